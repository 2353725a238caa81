import { expect } from 'chai';
import * as fc from 'fast-check';
import { countParameters } from '../../lib/traffic/parameter-count.ts';

describe('the number of parameters of SQL text', () => {
  const table: readonly (readonly [sql: string, count: number])[] = [
    ['select 1', 0],
    ['select $1', 1],
    ['select $2, $1, $2', 2],
    ['select $12::int', 12],
    ["select '$1', $2", 2],
    ["select 'it''s $3', $1", 1],
    [String.raw`select E'\' $3', $1`, 1],
    [String.raw`select '\', $3`, 3],
    ['select "a$4""$5" from t where x = $1', 1],
    ['select $$ $3 $$, $1', 1],
    ['select $a$ $3 $$ $4 $b$ $5 $a$, $1', 1],
    ['select 1 -- $3\n, $1', 1],
    ['select /* $3 /* $4 */ $5 */ $1', 1],
    ['select /* $3 never ends', 0],
    ['select a$3 from t where b = $1', 1],
    ['select $', 0],
    ['select é$9, $1', 1],
  ];
  for (const [sql, count] of table) {
    it(`is ${count} in ${JSON.stringify(sql)}`, () => expect(countParameters(sql)).to.equal(count));
  }

  it('comes to an end for any text, also a long one', () => {
    const pieces = fc.constantFrom("'", '"', '$', '$1', '$a$', '/*', '*/', '--', '\n', 'E', '\\', 'a', ' ');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 200 }), (parts) => {
        expect(countParameters(parts.join(''))).to.be.within(0, 0xffff);
      }),
    );
    expect(countParameters(Array.from({ length: 50_000 }, (_, tag) => `$t${tag}$`).join(' '))).to.equal(0);
    for (const part of ["'", '"', '$', '/*', '$a', "E'\\", '$a$ ']) {
      expect(countParameters(`$1 ${part.repeat(20_000)}`)).to.be.at.least(1);
    }
  });
});
