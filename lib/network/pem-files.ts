import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A certificate with its key, as they are in their files. */
export interface CertificateAndKey {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly certificate: X509Certificate;
}

/**
 * Reads a certificate and its private key, in PEM.
 * @throws {Error} where they cannot be read, or do not belong together: Node.js takes an empty file for none
 */
export function readCertificateAndKey(certFile: string, keyFile: string): CertificateAndKey {
  const [cert, key] = [readFileSync(certFile), readFileSync(keyFile)];
  const certificate = new X509Certificate(cert);
  if (!certificate.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is of another certificate');
  return { cert, key, certificate };
}

/**
 * Reads the certificates of authorities, in PEM.
 * @throws {Error} where there is none: Node.js would trust its own list then
 */
export function readAuthorities(file: string): Buffer {
  const pem = readFileSync(file);
  void new X509Certificate(pem);
  return pem;
}
