import type { Claims } from '../../auth.js'
import type { Check } from '../../lib/check.js'
import type { OAuth2Provider } from '../../provider/defineProvider.js'
import type { Profile, ProfileContext } from '../../provider/profile.js'
import type { ProviderBrand, ProviderOptions } from '../../provider/providerOptions.js'
import type { ClaimsMapping } from './mapClaims.js'

/** How the button of a preset looks: text and background have a contrast of at least 4.5. */
export type PresetBrand = ProviderBrand & Required<Pick<ProviderBrand, 'color' | 'background'>>

/** Options of a preset for an OpenID Provider: the registration, and any option of a provider to replace the preset's. */
export interface OpenIdPresetOptions extends Omit<ProviderOptions, 'issuer' | 'protocol'> {
  /** Another issuer, such as a local one in tests. Its metadata is discovered there. Default is the preset's. */
  issuer?: string
}

/** Options of a preset for an OAuth 2.0 provider: the registration, and any option to replace the preset's. */
export interface OAuth2PresetOptions
  extends Omit<OAuth2Provider, 'authorizationEndpoint' | 'tokenEndpoint' | 'profile'> {
  /** The URL of the authorization endpoint. Default is the preset's. */
  authorizationEndpoint?: string
  /** The URL of the token endpoint. Default is the preset's. */
  tokenEndpoint?: string
  /** The URL that the profile is fetched from. Default is the preset's. */
  userInfoEndpoint?: string
  /** Returns the claims of the user who signs in, at least `sub`. Default is the preset's. */
  profile?: OAuth2Provider['profile']
}

/** An option that only one preset has. */
export interface OwnOption {
  readonly check: Check
  /** The value in URLs if the option is not set. */
  readonly default?: string
  /** The fix if the option is not set, which makes it required. */
  readonly missing?: string
}

/** The options that only one preset has. */
export type OwnOptions<Own> = {
  readonly [K in keyof Required<Own>]: Partial<Pick<Own, K>> extends Pick<Own, K>
    ? Omit<OwnOption, 'missing'>
    : Required<Pick<OwnOption, 'check' | 'missing'>>
}

/**
 * The options that a row sets for every application. Values of `authorizationParams` may contain own options; without them the
 * parameter is not sent.
 */
type FixedOptions = Pick<
  ProviderOptions,
  | 'adaptTokenRequest'
  | 'adaptTokenResponse'
  | 'authorizationParams'
  | 'clientAuth'
  | 'idTokenSigningAlg'
  | 'nonce'
  | 'pkce'
  | 'prompt'
  | 'responseMode'
  | 'revokeOnLogout'
  | 'scopeSeparator'
  | 'userInfo'
>

/** What rows of both kinds have. */
interface RowBase extends FixedOptions {
  /** The name of the preset. */
  readonly id: string
  /** The name of the provider, for people. */
  readonly displayName: string
  /** Default is a neutral look. */
  readonly brand?: PresetBrand
  readonly scope: string
}

/** A row of the table of presets: an OpenID Provider. URLs may contain own options, as in `https://{domain}/`. */
export interface OpenIdRow<Own extends object = object> extends RowBase {
  readonly issuer: string
  readonly issuerAliases?: readonly string[]
  readonly metadata?: NonNullable<ProviderOptions['metadata']>
  readonly own?: OwnOptions<Own>
  /** Claims to rename. `email_verified` always becomes a boolean. Default is to leave them as they are. */
  readonly claims?: Omit<ClaimsMapping, 'sub'>
  /** Returns the options that depend on own ones. */
  readonly options?: (given: OpenIdPresetOptions & Own) => Partial<ProviderOptions>
  /** Returns the claims, if `claims` does not suffice. */
  readonly profile?: (context: ProfileContext) => Profile | Promise<Profile>
  /** Refuses users whom own options exclude, whatever `profile` an application sets. @throws {LoginRefusedError} */
  readonly admit?: (claims: Claims, given: OpenIdPresetOptions & Own) => void
}

/** What an OAuth 2.0 row's own options may decide. */
type Derived = Partial<Omit<OAuth2PresetOptions, 'clientId' | 'profile'>>

/** A row of the table of presets: an OAuth 2.0 provider. URLs may contain own options, as in `https://{domain}/me`. */
export interface OAuth2Row<Own extends object = object> extends RowBase {
  /** Identifies the provider: with `sub`, it identifies an account. */
  readonly issuer: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  readonly revocationEndpoint?: string
  readonly userInfoEndpoint: string
  readonly metadata?: NonNullable<OAuth2Provider['metadata']>
  readonly own?: OwnOptions<Own>
  /** Where the claims are in the answer of `userInfoEndpoint`. */
  readonly claims: ClaimsMapping & Required<Pick<ClaimsMapping, 'sub'>>
  /** Returns the options that depend on own ones. */
  readonly options?: (given: OAuth2PresetOptions & Own) => Derived
  /** Returns the provider's answer, which `claims` maps. Default is to fetch `userInfoEndpoint`. */
  readonly answer?: (
    context: ProfileContext,
    userInfoEndpoint: string,
    given: OAuth2PresetOptions & Own,
  ) => unknown | Promise<unknown>
}

/** Returns the options of one provider. */
export interface Preset<Options extends object> {
  (options: Options): ProviderOptions
  /** What the preset sets, for tools: the row of the table that it was made from. */
  readonly row: PresetRow
}

/** What tools can read of a preset. */
export type PresetRow = Pick<RowBase, 'id' | 'displayName' | 'scope'> & Required<Pick<RowBase, 'brand'>>
