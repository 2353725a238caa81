/** Why a session ends whose client is not there any more: nobody is left to be told. */
export const clientLeft = new Error('the client left');

/**
 * How often a client that has ended its side is written to, in milliseconds, to learn whether it is still there: one
 * that has gone for good does not say so before that has been done twice.
 */
export const probePeriod = 500;
