import { expect } from 'chai';
import * as fc from 'fast-check';
import { CallTable } from '../../lib/isolation/call-table.ts';

describe('the calls that are under way', () => {
  it('are found by their numbers until they are taken, and no number comes twice', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 200 }), (steps) => {
        const table = new CallTable<{ readonly id: number }>();
        const open = new Map<number, { readonly id: number }>();
        const gone: number[] = [];
        for (const step of steps) {
          if (step < 6) {
            const call = { id: table.nextId() };
            expect(open.has(call.id) || gone.includes(call.id)).to.equal(false);
            table.add(call);
            open.set(call.id, call);
          } else {
            const [id] = [...open.keys()].slice(step - 6);
            if (id === undefined) continue;
            expect(table.take(id)).to.equal(open.get(id));
            open.delete(id);
            gone.push(id);
          }
          expect(table.size).to.equal(open.size);
        }
        for (const [id, call] of open) expect(table.get(id)).to.equal(call);
        for (const id of gone) expect([table.get(id), table.take(id)]).to.deep.equal([undefined, undefined]);
        expect([...gone, ...open.keys()].every((id) => table.wasIssued(id))).to.equal(true);
        expect(new Set([...table].map(({ id }) => id))).to.deep.equal(new Set(open.keys()));
      }),
    );
  });

  it('know which numbers they never had', () => {
    const table = new CallTable<{ readonly id: number }>();
    expect(table.wasIssued(0)).to.equal(false);
    const id = table.nextId();
    expect(table.wasIssued(id)).to.equal(true);
    expect(table.wasIssued(id + 1)).to.equal(false);
    table.add({ id });
    table.take(id);
    expect(table.wasIssued(table.nextId())).to.equal(true);
    expect(table.wasIssued(Number.MAX_SAFE_INTEGER)).to.equal(false);
  });
});
