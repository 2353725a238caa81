import { createHash } from 'node:crypto';

/** The hash that each signature algorithm of a certificate uses, by the algorithm's object identifier in DER. */
const hashOfSignature: Readonly<Record<string, string>> = {
  // RFC 5929 has MD5 and SHA-1 replaced by SHA-256.
  '2a864886f70d010104': 'sha256', // md5WithRSAEncryption
  '2a864886f70d010105': 'sha256', // sha1WithRSAEncryption
  '2a8648ce3d0401': 'sha256', // ecdsa-with-SHA1
  '2a864886f70d01010e': 'sha224', // sha224WithRSAEncryption
  '2a864886f70d01010b': 'sha256', // sha256WithRSAEncryption
  '2a864886f70d01010c': 'sha384', // sha384WithRSAEncryption
  '2a864886f70d01010d': 'sha512', // sha512WithRSAEncryption
  '2a8648ce3d040301': 'sha224', // ecdsa-with-SHA224
  '2a8648ce3d040302': 'sha256', // ecdsa-with-SHA256
  '2a8648ce3d040303': 'sha384', // ecdsa-with-SHA384
  '2a8648ce3d040304': 'sha512', // ecdsa-with-SHA512
};

/** RSASSA-PSS says its hash in its parameters. */
const rsaPss = '2a864886f70d01010a';
const hashOfPss: Readonly<Record<string, string>> = {
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
};

/**
 * The channel binding data `tls-server-end-point` of a connection whose server shows this certificate: what
 * SCRAM-SHA-256-PLUS binds a login to. Null where the certificate's signature names no hash, as with Ed25519; there
 * is no channel binding then, in PostgreSQL neither.
 * @param certificate in DER, as `X509Certificate.raw` is
 * @see https://www.rfc-editor.org/rfc/rfc5929#section-4
 */
export function tlsServerEndPoint(certificate: Buffer): Buffer | null {
  const algorithm = signatureAlgorithm(certificate);
  if (algorithm === null) return null;
  const [identifier, parameters] = algorithm;
  const pss = Object.entries(hashOfPss).find(([hash]) => parameters.includes(Buffer.from(hash, 'hex')));
  const hash = identifier === rsaPss ? pss?.[1] : hashOfSignature[identifier];
  return hash === undefined ? null : createHash(hash).update(certificate).digest();
}

interface Element {
  readonly content: Buffer;
  /** What stands behind it. */
  readonly rest: Buffer;
}

/** The object identifier in hex, and the parameters: Certificate ::= { tbsCertificate, signatureAlgorithm, signature }. */
function signatureAlgorithm(certificate: Buffer): readonly [string, Buffer] | null {
  const signed = read(read(certificate)?.content);
  const algorithm = read(signed?.rest);
  const identifier = read(algorithm?.content);
  return identifier === null ? null : [identifier.content.toString('hex'), identifier.rest];
}

/** The DER element at the front. */
function read(bytes: Buffer | undefined): Element | null {
  if (bytes === undefined || bytes.length < 2) return null;
  const first = bytes.readUInt8(1);
  const width = first < 0x80 ? 0 : first & 0x7f;
  if (width > 4 || bytes.length < 2 + width) return null;
  const length = width === 0 ? first : bytes.readUIntBE(2, width);
  const start = 2 + width;
  if (bytes.length < start + length) return null;
  return { content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}
