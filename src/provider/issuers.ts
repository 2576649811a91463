import type { ProviderOptions } from './providerOptions.js'

type Issuers = Pick<ProviderOptions, 'issuer' | 'issuerAliases'>

/** What the `iss` of a provider's ID tokens and authorization responses is compared with. */
export interface ExpectedIssuers {
  /**
   * Returns the `iss` that a token must have: the issuer, its placeholder filled with the claim `tid`, or one of the aliases
   * if the token names it.
   *
   * @param claims - unverified
   * @returns `undefined` if `tid` cannot fill the placeholder: no token has that issuer
   */
  issuer(claims: Readonly<Record<string, unknown>>): string | undefined
  /** Checks an `iss` without other claims. */
  fits(iss: string): boolean
  /** Returns the issuer that an `iss` stands for: itself, unless it is an alias. */
  canonical(iss: string): string
}

/** Stands for the `tid` claim in an issuer identifier, as in the metadata of Microsoft Entra ID. */
export const PLACEHOLDER = '{tenantid}'

/** Returns the {@link ExpectedIssuers} of a provider. @param issuers - `issuer` as in the metadata */
export function expectedIssuers(issuers: Issuers): ExpectedIssuers {
  const { issuer, issuerAliases = [] } = issuers
  const isTemplate = issuer.includes(PLACEHOLDER)
  return {
    issuer({ iss, tid }) {
      if (issuerAliases.some((alias) => alias === iss)) return iss as string
      if (!isTemplate) return issuer
      return isTenant(tid) ? issuer.replace(PLACEHOLDER, () => tid) : undefined
    },
    fits: (iss) => (!isTemplate && iss === issuer) || fitsIssuer(issuers, iss),
    canonical: (iss) => (issuerAliases.includes(iss) ? issuer : iss),
  }
}

/** Checks whether an `iss` is an alias, or fits an issuer with a placeholder. */
export function fitsIssuer({ issuer, issuerAliases }: Issuers, iss: string): boolean {
  if (issuerAliases?.includes(iss)) return true
  const [before, after] = issuer.split(PLACEHOLDER)
  if (before === undefined || after === undefined) return false
  const tenant = iss.slice(before.length, iss.length - after.length)
  return isTenant(tenant) && iss === before + tenant + after
}

/** A tenant is one segment of a path. */
function isTenant(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,100}$/.test(value)
}
