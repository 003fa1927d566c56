import { Problem } from './problem.ts';

/** What PublicKeyCredential.toJSON() gives, as far as the portal looks before it checks. */
export type PasskeyAnswer = {
  id: string;
  rawId: string;
  type: 'public-key';
  response: Record<string, unknown>;
  [more: string]: unknown;
};

/** Whether this browser can have passkeys, and read and write them as JSON: every one since 2025, and pages over TLS or on localhost only. */
export function passkeysHere(): boolean {
  return (
    typeof PublicKeyCredential === 'function' &&
    typeof PublicKeyCredential.parseCreationOptionsFromJSON === 'function' &&
    typeof PublicKeyCredential.parseRequestOptionsFromJSON === 'function'
  );
}

/** Asks the browser to make a passkey. Throws a Problem. */
export function makePasskey(options: Record<string, unknown>): Promise<PasskeyAnswer> {
  return answer(() =>
    navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(
        options as unknown as PublicKeyCredentialCreationOptionsJSON,
      ),
    }),
  );
}

/** Asks the browser for a signature of a passkey. Throws a Problem. */
export function signWithPasskey(options: Record<string, unknown>): Promise<PasskeyAnswer> {
  return answer(() =>
    navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(
        options as unknown as PublicKeyCredentialRequestOptionsJSON,
      ),
    }),
  );
}

async function answer(ask: () => Promise<Credential | null>): Promise<PasskeyAnswer> {
  if (!passkeysHere()) throw new Problem({ code: 'passkey_unsupported' });
  try {
    const credential = (await ask()) as PublicKeyCredential | null;
    if (!credential) throw new Problem({ code: 'passkey_cancelled' });
    return credential.toJSON() as PasskeyAnswer;
  } catch (err) {
    if (err instanceof Problem) throw err;
    throw new Problem({ code: codeOf(err) });
  }
}

/** Browsers tell little on purpose: a person who cancels and one who has no passkey look alike. */
function codeOf(err: unknown): string {
  switch (err instanceof DOMException ? err.name : '') {
    case 'InvalidStateError':
      return 'passkey_known';
    case 'NotAllowedError':
    case 'AbortError':
      return 'passkey_cancelled';
    default:
      return 'passkey_unsupported';
  }
}
