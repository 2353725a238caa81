import { defineErrors } from '../errors.ts';

/** What can be wrong with bytes that should be PostgreSQL's protocol, or with values that should become such bytes. */
export const protocolErrors = defineErrors({
  PROTOCOL_BAD_LENGTH: {
    message: 'A message of type {type} says it is {length} bytes long, which no message can be',
    mend: 'Check that the peer speaks the PostgreSQL protocol 3 and that nothing between it and gatewayd changes bytes.',
    sqlstate: '08P01',
  },
  PROTOCOL_BAD_MESSAGE: {
    message: 'A {name} message is malformed: {reason}',
    mend: 'Check that the peer speaks the PostgreSQL protocol 3 and that nothing between it and gatewayd changes bytes.',
    sqlstate: '08P01',
  },
  PROTOCOL_MESSAGE_TOO_LARGE: {
    message: 'A message of {length} bytes is larger than the {limit} bytes a plugin may be shown at once',
    mend: 'Raise `maxMessageSize`, send the data in smaller pieces, let all taps of the direction take `largeMessages`, or do without the plugins that tap traffic.',
    sqlstate: '54000',
  },
  PROTOCOL_BAD_STARTUP: {
    message: 'The start-up packet is malformed: {reason}',
    mend: 'Check that the client speaks the PostgreSQL protocol 3 in the clear on this port.',
    sqlstate: '08P01',
  },
  PROTOCOL_UNSUPPORTED_VERSION: {
    message: 'Unsupported frontend protocol {major}.{minor}: gatewayd supports 3.0 to 3.2',
    mend: 'Use a client that speaks protocol 3, which is any since PostgreSQL 7.4.',
    sqlstate: '0A000',
  },
  PROTOCOL_BAD_VALUE: {
    message: 'A {name} message cannot be made: {reason}',
    mend: 'Pass values that fit the field as the PostgreSQL protocol defines it.',
  },
});
