import { frontendKinds } from '../protocol/frontend-messages.ts';
import { MessageSource } from '../protocol/message-source.ts';
import { textField } from '../protocol/messages.ts';
import type { LocalAnswer } from './local-answer.ts';
import type { LocalStatement } from './local-statements.ts';
import { countParameters } from './parameter-count.ts';

/** Bytes of a Parse that are kept until they are asked for, at most. */
const keptLimit = 8192;
const dollar = 0x24;

/**
 * What a client's Parse, which lies there, makes. The unnamed statement is one for each query, and of few of them
 * anybody wants to know the parameters: those are looked for when they are asked for.
 * @throws {GatewayDError} PROTOCOL_BAD_MESSAGE
 */
export function parsedStatement(
  name: string,
  answer: LocalAnswer | null,
  buffer: Buffer,
  start: number,
  end: number,
): LocalStatement {
  if (name === '' && end - start <= keptLimit)
    return new UnnamedStatement(answer, buffer.toString('latin1', start, end));
  return { answer, parameterTypes: parameterTypes(buffer, start, end) };
}

class UnnamedStatement implements LocalStatement {
  readonly answer: LocalAnswer | null;
  readonly #parse: string;

  constructor(answer: LocalAnswer | null, parse: string) {
    this.answer = answer;
    this.#parse = parse;
  }

  /** @throws {GatewayDError} PROTOCOL_BAD_MESSAGE */
  get parameterTypes(): readonly number[] {
    const parse = Buffer.from(this.#parse, 'latin1');
    return parameterTypes(parse, 0, parse.length);
  }
}

/** The parameters' types as a Describe of the statement would tell them if the database took all it can as text. */
function parameterTypes(buffer: Buffer, start: number, end: number): readonly number[] {
  const at = buffer.indexOf(dollar, start);
  if (at === -1 || at >= end) return [];
  const { sql, parameterTypes: declared } = frontendKinds.Parse.at(new MessageSource(buffer), start, end);
  const length = Math.max(declared.length, countParameters(sql));
  return Array.from({ length }, (_, number) => declared[number] || textField.typeOid);
}
