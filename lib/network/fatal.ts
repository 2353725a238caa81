/**
 * Whether the body of an ErrorResponse says that the connection ends. The field V is never localised; servers before
 * 9.6 have only S.
 */
export function isFatal(body: Buffer): boolean {
  return /(?:^S|\0V)(?:FATAL|PANIC)\0/.test(body.toString('latin1', 0, 64));
}
