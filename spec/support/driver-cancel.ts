import { expect } from 'chai';
import type { SpecGateway } from './gateway.ts';

/** Has a driver cancel a query of its own that is under way, and expects that it ends by that. */
export async function expectDriverCancels(gateway: SpecGateway): Promise<void> {
  const sql = gateway.sql();
  const sleeping = sql`select pg_sleep(60)`;
  const ended = sleeping.then(
    () => null,
    (error: unknown) => error,
  );
  const watching = gateway.client();
  await watching.connect();
  const asleep = `select 1 from pg_stat_activity where wait_event = 'PgSleep' and pid <> pg_backend_pid()`;
  while ((await watching.query(asleep)).rowCount === 0);
  sleeping.cancel();
  expect(await ended).to.include({ code: '57014' });
  await Promise.all([sql.end(), watching.end()]);
}
