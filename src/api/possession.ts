import { hash, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Request, Response } from 'express'
import type { Finding } from '../guards/guard.js'
import { publicUrl } from '../request/url.js'
import type { ResourceServerConfig } from './config.js'
import type { Credentials } from './credentials.js'
import type { DPoPConfig } from './dpopConfig.js'
import { isProofRefusal } from './token/dpop.js'
import type { VerifiedToken } from './token/verify.js'
import { refusal, tokenInvalid } from './tokenCaller.js'

/** Checks whether a request must prove possession of the key that its token is bound to. */
export function needsProof(config: ResourceServerConfig, { scheme }: Credentials, { claims }: VerifiedToken): boolean {
  return claims.cnf !== undefined || scheme === 'DPoP' || config.dpop?.required === true
}

/**
 * Checks that the caller possesses what the token is bound to: a key, proved with DPoP, or a client certificate.
 *
 * @see [RFC 9449 §7](https://www.rfc-editor.org/rfc/rfc9449#section-7)
 * @see [RFC 8705 §3](https://www.rfc-editor.org/rfc/rfc8705#section-3)
 */
export async function checkPossession(
  config: ResourceServerConfig,
  req: Request,
  res: Response,
  credentials: Credentials,
  { claims }: VerifiedToken,
): Promise<Finding> {
  const { cnf } = claims
  const { jkt, 'x5t#S256': x5t }: Record<string, unknown> = typeof cnf === 'object' && cnf !== null ? { ...cnf } : {}
  const invalid = (message: string, hint?: string) => tokenInvalid(config, credentials, { message, hint })
  if (cnf !== undefined && jkt === undefined && x5t === undefined) {
    return invalid('it is bound to something that this server cannot check')
  }
  if (x5t !== undefined && x5t !== thumbprint(config, req)) {
    return invalid(
      'it is bound to a client certificate other than that of the connection',
      'cnf has x5t#S256. If a proxy terminates TLS, resourceServer.clientCertificate must return the certificate it passes on',
    )
  }
  const needsDPoP = jkt !== undefined || credentials.scheme === 'DPoP' || config.dpop?.required === true
  if (!needsDPoP) return undefined
  if (!config.dpop) return invalid('it is bound to a key, which is not accepted here', 'set resourceServer.dpop')
  if (typeof jkt !== 'string') return invalid('it is not bound to a key for DPoP')
  if (credentials.scheme !== 'DPoP') return invalid('it is bound to a key, but was sent as a plain Bearer token')
  return checkProof(config, config.dpop, req, res, { accessToken: credentials.token, jkt })
}

async function checkProof(
  config: ResourceServerConfig,
  dpop: DPoPConfig,
  req: Request,
  res: Response,
  bound: { accessToken: string; jkt: string },
): Promise<Finding> {
  const refused = (message: string, details?: { hint: string | undefined; cause: unknown }) =>
    refusal(config, 'DPoP', 'ERR_DPOP_PROOF_INVALID', 'invalid_dpop_proof', { message, ...details })
  const proof = req.get('DPoP')
  if (proof === undefined) return refused('the request has no DPoP proof')
  const uri = dpop.origin + publicUrl(dpop, req)
  const verdict = await dpop.verifyProof(proof, { method: req.method, uri, ...bound })
  if (isProofRefusal(verdict)) {
    const { message, hint, nonceRequired, ...cause } = verdict
    if (!nonceRequired) return refused(`the DPoP proof is refused: ${message}`, { hint, cause })
    const headers = { 'DPoP-Nonce': dpop.nonces?.current() ?? '' }
    const details = { message: `the DPoP proof is refused: ${message}`, headers }
    return refusal(config, 'DPoP', 'ERR_DPOP_NONCE_REQUIRED', 'use_dpop_nonce', details)
  }
  const ttl = Math.ceil(verdict.expiresAt - Date.now() / 1000) + 1
  const unused = await dpop.use(verdict.id, ttl)
  if (!unused) return refused('the DPoP proof was used before')
  const nonce = dpop.nonces?.current()
  if (nonce !== undefined && nonce !== verdict.nonce) res.set('DPoP-Nonce', nonce)
  return undefined
}

/** Returns the SHA-256 thumbprint of the client certificate of the TLS connection, or of the one a proxy passes on. */
function thumbprint({ clientCertificate }: ResourceServerConfig, req: Request): string | undefined {
  const certificate = clientCertificate
    ? clientCertificate(req)
    : (req.socket as Partial<TLSSocket>).getPeerX509Certificate?.()
  if (certificate === undefined) return undefined
  try {
    const { raw } = certificate instanceof X509Certificate ? certificate : new X509Certificate(certificate)
    return hash('sha256', raw, 'base64url')
  } catch {
    return undefined
  }
}
