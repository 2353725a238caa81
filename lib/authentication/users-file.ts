import { isUtf8 } from 'node:buffer';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { GatewayDError, messageOf } from '../errors.ts';
import { authenticationErrors } from './errors.ts';
import { parseUsers } from './parse-users.ts';
import { parseScramVerifier } from './scram-verifier.ts';
import { isVerifier, readSecret, type Secret, type SecretSource } from './secret.ts';

type Secrets = ReadonlyMap<string, Secret | null>;

/** Users and their secrets from a file. A file that changed is read again before the next login is checked. */
export class UsersFile implements SecretSource {
  readonly #file: string;
  readonly #onProblem: (error: GatewayDError) => void;
  #version: string;
  #secrets: Promise<Secrets>;

  /**
   * Reads the file.
   * @param onProblem told, once for each, of changes that cannot be used; what was there before stays
   * @throws {GatewayDError} AUTHENTICATION_USERS_FILE
   */
  constructor(file: string, onProblem: (error: GatewayDError) => void) {
    this.#file = file;
    this.#onProblem = onProblem;
    try {
      const stats = statSync(file);
      this.#version = versionOf(stats);
      this.#secrets = this.#read(stats).secrets;
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  async secretOf(user: string): Promise<Secret | null> {
    await this.#refresh();
    // All of them, so that the first login of one takes no longer than that of a user there is not.
    return (await this.#secrets).get(user) ?? null;
  }

  async #refresh(): Promise<void> {
    const stats = await stat(this.#file).catch((error: unknown) => error as Error);
    const version = stats instanceof Error ? 'missing' : versionOf(stats);
    if (version === this.#version) return;
    // From here on in one go: those who log in meanwhile wait for the same secrets, and do not read the file again.
    this.#version = version;
    try {
      if (stats instanceof Error) throw stats;
      this.#secrets = this.#read(stats).secrets;
    } catch (error) {
      this.#onProblem(this.#unusable(error));
    }
  }

  #read(stats: Stats): { secrets: Promise<Secrets> } {
    if (!stats.isFile()) throw new Error('it is no file');
    if (process.platform !== 'win32' && (stats.mode & 0o027) !== 0) {
      const mode = (stats.mode & 0o777).toString(8);
      throw new Error(`its permissions are ${mode}, so that others than its owner and group may read or change it`);
    }
    const bytes = readFileSync(this.#file);
    if (!isUtf8(bytes)) throw new Error('it is not UTF-8');
    const users = parseUsers(bytes.toString());
    // At once, and not when the first of all of them logs in.
    for (const text of users.values()) if (isVerifier(text)) parseScramVerifier(text);
    const secrets = secretsOf(users);
    // Whoever asks for one is told; without anybody asking it is no unhandled rejection.
    secrets.catch(() => undefined);
    return { secrets };
  }

  #unusable(error: unknown): GatewayDError {
    const values = { file: this.#file, reason: messageOf(error) };
    return new GatewayDError(authenticationErrors.AUTHENTICATION_USERS_FILE, values, { cause: error });
  }
}

async function secretsOf(users: ReadonlyMap<string, string>): Promise<Secrets> {
  const secrets = new Map<string, Secret | null>();
  for (const [name, text] of users) secrets.set(name, await readSecret(text, name));
  return secrets;
}

function versionOf({ mtimeMs, ctimeMs, size, ino, mode }: Stats): string {
  return [mtimeMs, ctimeMs, size, ino, mode].join(' ');
}
