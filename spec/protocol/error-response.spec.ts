import { expect } from 'chai';
import * as fc from 'fast-check';
import { GatewayDError } from '../../lib/errors.ts';
import { encodeErrorResponse, encodeNoticeResponse, parseErrorFields } from '../../lib/protocol/error-response.ts';

describe('an ErrorResponse', () => {
  it('has both severities, the SQLSTATE and the texts, each ended by a NUL', () => {
    const bytes = encodeErrorResponse({ severity: 'FATAL', sqlstate: '53300', message: 'full', hint: 'wait' });
    expect(bytes.toString('latin1')).to.equal('E\0\0\0\x26SFATAL\0VFATAL\0C53300\0Mfull\0Hwait\0\0');
  });

  it('is a NoticeResponse with the other letter', () => {
    const bytes = encodeNoticeResponse({ severity: 'WARNING', sqlstate: '01000', message: 'é' });
    expect(bytes.toString('utf8')).to.equal('N\0\0\0\x22SWARNING\0VWARNING\0C01000\0Mé\0\0');
  });

  it('keeps a text with NULs from becoming several fields', () => {
    const bytes = encodeErrorResponse({ severity: 'ERROR', sqlstate: '42501', message: 'no\0C00000\0' });
    expect(parseErrorFields(bytes.subarray(5))).to.include({ sqlstate: '42501', message: 'noC00000' });
  });

  it('is read with every field PostgreSQL has, and without those nobody knows', () => {
    const body = 'SFEHLER\0VERROR\0C23505\0Mm\0Dd\0Hh\0P1\0p2\0qq\0Ww\0ss\0tt\0cc\0dd\0nn\0Ff\0Ll\0Rr\0!x\0\0';
    expect(parseErrorFields(Buffer.from(body))).to.deep.equal({
      severity: 'ERROR',
      sqlstate: '23505',
      message: 'm',
      detail: 'd',
      hint: 'h',
      position: '1',
      internalPosition: '2',
      internalQuery: 'q',
      where: 'w',
      schema: 's',
      table: 't',
      column: 'c',
      dataType: 'd',
      constraint: 'n',
      file: 'f',
      line: 'l',
      routine: 'r',
    });
  });

  it('is read as it was written, whatever the texts are', () => {
    const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll('\0', ''));
    const fields = fc.record({ severity: text, sqlstate: text, message: text, detail: text, hint: text });
    fc.assert(
      fc.property(fields, (written) => {
        const bytes = encodeErrorResponse(written);
        expect(bytes.readInt32BE(1)).to.equal(bytes.length - 1);
        expect(parseErrorFields(bytes.subarray(5))).to.deep.equal(written);
      }),
    );
  });

  it('of garbage is nothing but a GatewayDError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (body) => {
        try {
          parseErrorFields(Buffer.from(body));
        } catch (error) {
          expect(error).to.be.instanceOf(GatewayDError);
        }
      }),
    );
    expect(() => parseErrorFields(Buffer.from('SERROR\0C'))).to.throw(GatewayDError);
    expect(() => parseErrorFields(Buffer.alloc(0))).to.throw(GatewayDError);
  });
});
