import { defineErrors } from '../errors.ts';

/** What a tap can do wrong with the payload of a traffic hook. */
export const trafficErrors = defineErrors({
  PAYLOAD_EXPIRED: {
    message: 'A payload was used after the tap that got it had settled',
    mend: 'Copy what is needed later while the tap runs, or make the tap return a promise that settles when it is done.',
  },
  PAYLOAD_CUT_SHORT: {
    message: 'The rest of a large message did not come: the session has ended, or its reader took too long',
    mend: 'Take what was read so far for a part of the message, and let `finally` clear up.',
  },
  PAYLOAD_NO_QUERY: {
    message: 'There is no query to replace in this batch',
    mend: 'Look at `query` first: it is null when the batch has no Query or Parse.',
  },
  PAYLOAD_NO_COLUMN: {
    message: 'The row has no column {column}',
    mend: 'Look at `columns` of the row: names are compared exactly, numbers begin with 0.',
  },
  PAYLOAD_NO_ROW_DESCRIPTION: {
    message: 'A DataRow came that no RowDescription fits',
    mend: 'Report this with the driver and the query: the database sent rows it had not described.',
  },
  PAYLOAD_UNKNOWN_MESSAGE: {
    message: 'The message to replace or drop is not, or no longer, in the batch',
    mend: 'Pass a message of this payload that was not replaced or dropped before.',
  },
  PAYLOAD_WRONG_MESSAGE: {
    message: 'What is to replace a message is not a message the {sender} sends',
    mend: 'Make messages with the functions of `messages`, and only such as this side sends.',
  },
  PAYLOAD_TOO_MANY_ANSWERS: {
    message: 'What is to replace {replaced} would be answered with ReadyForQuery {answers} times',
    mend: 'Put at most one Query, FunctionCall or Sync in the place of one, and none in the place of anything else. One Query can hold several statements, separated by semicolons.',
  },
  PAYLOAD_BAD_ROW: {
    message: 'The function given to mapRows returned neither its row nor null',
    mend: 'Return the row it was called with, or null to leave it out.',
  },
  PAYLOAD_BAD_REPLY: {
    message: 'The reply cannot be sent: {reason}',
    mend: 'Give at most 65535 columns and, in each row, one value for each column.',
  },
  PAYLOAD_TOO_MANY_REPLIES: {
    message: 'More than {limit} bytes of replies made by plugins wait for the database to answer what came before them',
    mend: 'Read the answers to earlier queries before sending more, or reply with less.',
    sqlstate: '54000',
  },
  PAYLOAD_UNCERTAIN_ANSWERS: {
    message: 'A COPY failed behind which a Sync and more were sent: it cannot be told which request is answered next',
    mend: 'Send nothing but its data, and one Sync along with its Execute, until a COPY is ended.',
    sqlstate: '08P01',
  },
});
