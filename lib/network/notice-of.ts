import { encodeNoticeResponse } from '../protocol/error-response.ts';

/** A message that a client shows its user. */
export function noticeOf(message: string): Buffer {
  return encodeNoticeResponse({ severity: 'NOTICE', sqlstate: '00000', message });
}
