/**
 * OpenPGP signatures (RFC 9580): detached ones of +PKG_HASH, clear-signed pkg-vulnerabilities.
 *
 * Key functions: `verifyGpg`, `signGpg`, `verifyClearsigned`. Source: pkg_install lib/gpgsig.c, which runs gpg(1) on the same files.
 * Invariant: a signature is valid only by a key of the given keyring that may sign and was valid at that time.
 */
import type * as openpgp from "openpgp";
import { PackageError } from "../errors";

/** Public keys: an armoured text, or the packets of a keyring (`pubring.gpg`, `gpg --export`). */
export type Keyring = string | Uint8Array;

/** What openpgp says about one signature. */
interface Verification {
  keyID: openpgp.KeyID;
  verified: Promise<true>;
}

/** Loaded at the first signature: it is large. */
function library(): Promise<typeof openpgp> {
  return import("openpgp");
}

const ARMOR = "-----BEGIN PGP";
const CLEARSIGNED = "-----BEGIN PGP SIGNED MESSAGE-----\n";

function bad(reason: string, cause?: unknown): PackageError {
  return new PackageError("ESIGNATURE", reason, { cause });
}

async function keysOf(keyring: Keyring): Promise<openpgp.Key[]> {
  const { readKeys } = await library();
  const text = typeof keyring === "string" ? keyring : Buffer.from(keyring).toString("latin1");
  if (text.slice(8, 12) === "KBXf") throw bad("the keyring is a keybox of GnuPG: export the keys with `gpg --export`");
  try {
    if (text.includes(ARMOR)) {
      const keys: openpgp.Key[] = [];
      for (const [block] of text.matchAll(
        /-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g,
      )) {
        keys.push(...(await readKeys({ armoredKeys: block })));
      }
      if (keys.length === 0) throw new Error("there is no public key in it");
      return keys;
    }
    return await readKeys({
      binaryKeys: typeof keyring === "string" ? Buffer.from(keyring, "latin1") : keyring,
    });
  } catch (error) {
    throw bad("the keyring cannot be read", error);
  }
}

/** Names of the keys whose signatures are right; throws when there is none. */
async function rightSigners(results: Verification[], keys: openpgp.Key[]): Promise<string[]> {
  const names: string[] = [];
  let reason: unknown = null;
  for (const result of results) {
    try {
      await result.verified;
    } catch (error) {
      reason = error;
      continue;
    }
    const key = keys.find((one) => one.getKeys(result.keyID).length > 0);
    const user = key?.getUserIDs()[0] ?? "";
    names.push(user === "" ? result.keyID.toHex().toUpperCase() : `${user} (${result.keyID.toHex().toUpperCase()})`);
  }
  if (names.length > 0) return names;
  const id = results[0]?.keyID.toHex().toUpperCase();
  const known = results.some((result) => keys.some((key) => key.getKeys(result.keyID).length > 0));
  if (id === undefined) throw bad("there is no OpenPGP signature");
  if (!known) throw bad(`the OpenPGP signature is by the key ${id}, which is not in the keyring`, reason);
  throw bad(
    `the OpenPGP signature by the key ${id} is wrong: ${reason instanceof Error ? reason.message : String(reason)}`,
    reason,
  );
}

/**
 * Verifies a detached signature, armoured or not. Returns the signers' names.
 * Throws ESIGNATURE with the reason.
 */
export async function verifyGpg(
  content: Uint8Array,
  signature: Uint8Array | string,
  keyring: Keyring,
  time: number = Date.now(),
): Promise<string[]> {
  const { createMessage, readSignature, verify } = await library();
  const keys = await keysOf(keyring);
  const raw = typeof signature === "string" ? Buffer.from(signature, "latin1") : signature;
  let parsed: openpgp.Signature;
  try {
    const text = Buffer.from(raw).toString("latin1");
    parsed = text.includes(ARMOR)
      ? await readSignature({ armoredSignature: text })
      : await readSignature({ binarySignature: raw });
  } catch (error) {
    throw bad("it is no OpenPGP signature", error);
  }
  const message = await createMessage({ binary: new Uint8Array(content) });
  const { signatures } = await verify({
    message,
    signature: parsed,
    verificationKeys: keys,
    date: new Date(time),
    format: "binary",
  });
  return rightSigners(signatures, keys);
}

/** Who signs with a key. */
export interface GpgSigner {
  /** Armoured private key. */
  key: string;
  passphrase?: string;
}

/** A detached, armoured signature. Throws ESIGNATURE when the key cannot be used. */
export async function signGpg(content: Uint8Array, signer: GpgSigner): Promise<string> {
  const { createMessage, decryptKey, readPrivateKey, sign } = await library();
  try {
    let key = await readPrivateKey({ armoredKey: signer.key });
    if (signer.passphrase !== undefined) key = await decryptKey({ privateKey: key, passphrase: signer.passphrase });
    const message = await createMessage({ binary: new Uint8Array(content) });
    return await sign({ message, signingKeys: key, detached: true, format: "armored" });
  } catch (error) {
    throw bad(`the private key cannot sign: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

/** Whether a text is clear-signed, as pkg_install sees it (lib/vulnerabilities-file.c, `pgp_msg_start`). */
export function isClearsigned(text: string): boolean {
  return text.startsWith(CLEARSIGNED);
}

/** Verifies a clear-signed text. Returns the signers' names. Throws ESIGNATURE. */
export async function verifyClearsigned(text: string, keyring: Keyring, time: number = Date.now()): Promise<string[]> {
  const { readCleartextMessage, verify } = await library();
  const keys = await keysOf(keyring);
  let message: openpgp.CleartextMessage;
  try {
    message = await readCleartextMessage({ cleartextMessage: text });
  } catch (error) {
    throw bad("it is no clear-signed OpenPGP message", error);
  }
  const { signatures } = await verify({ message, verificationKeys: keys, date: new Date(time) });
  return rightSigners(signatures, keys);
}
