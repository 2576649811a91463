import { assertOptions, requireOption, type Shape } from '../../lib/check.js'
import { defined } from '../../lib/defined.js'
import { defineProvider, type OAuth2Provider, OPENID_ONLY } from '../../provider/defineProvider.js'
import { PROVIDER_SHAPE } from '../../provider/optionShape.js'
import type { ProviderOptions } from '../../provider/providerOptions.js'
import { url } from './checks.js'
import { mapClaims } from './mapClaims.js'
import type {
  OAuth2PresetOptions,
  OAuth2Row,
  OpenIdPresetOptions,
  OpenIdRow,
  OwnOption,
  Preset,
  PresetBrand,
} from './row.js'

type AnyShape = Shape<Record<string, unknown>>

/** The look of the buttons of presets without a brand. */
export const NEUTRAL: PresetBrand = { color: '#ffffff', background: '#3f4650' }

/** The options that a preset of an OpenID Provider lacks. */
const SET_BY_PRESET = ['protocol']

/**
 * Creates the preset of an OpenID Provider from its row of the table.
 *
 * @param read - returns the row: a function, so that importing a hundred presets does not evaluate a hundred rows
 */
export function openIdPreset<Own extends object = object>(
  read: () => OpenIdRow<Own>,
): Preset<OpenIdPresetOptions & Own> {
  function create(options: OpenIdPresetOptions & Own): ProviderOptions {
    const { id, displayName, brand = NEUTRAL, own, claims, options: derive, profile, admit, ...fixed } = read()
    const { overrides, fill, filled } = readOptions<OpenIdPresetOptions>(id, options, own, without(SET_BY_PRESET))
    const authorizationParams = filled(fixed.authorizationParams)
    const { metadata, metadataUrl, issuerAliases, ...preset } = { ...fixed, authorizationParams, ...derive?.(options) }
    // Metadata and aliases belong to the preset's issuer.
    const found = overrides.issuer === undefined ? defined({ metadata, metadataUrl, issuerAliases }) : {}
    const provider = merge({ displayName, brand, ...preset, ...found, issuer: fill(preset.issuer) }, overrides)
    assertSecret(id, provider, options)
    const toProfile: NonNullable<ProviderOptions['profile']> =
      overrides.profile ??
      profile ??
      ((context) => ({ claims: mapClaims({ email_verified: 'email_verified', ...claims }, context.claims) }))
    return {
      ...provider,
      profile(context) {
        admit?.(context.claims, options)
        return toProfile(context)
      },
    }
  }
  return withRow(create, read)
}

/** Creates the preset of an OAuth 2.0 provider from its row of the table. @param read - as in {@link openIdPreset} */
export function oauth2Preset<Own extends object = object>(
  read: () => OAuth2Row<Own>,
): Preset<OAuth2PresetOptions & Own> {
  function create(options: OAuth2PresetOptions & Own): ProviderOptions {
    const { id, displayName, brand = NEUTRAL, own, claims, options: derive, answer, scope, ...rest } = read()
    const fixed = { ...rest, ...(scope === '' ? {} : { scope }) }
    const endpoints = { authorizationEndpoint: url, tokenEndpoint: url, revocationEndpoint: url, userInfoEndpoint: url }
    const shape = { ...without(OPENID_ONLY), ...endpoints }
    const { overrides, fill, filled } = readOptions<OAuth2PresetOptions>(id, options, own, shape)
    const authorizationParams = filled(fixed.authorizationParams)
    const { userInfoEndpoint, metadata, ...provider } = merge(
      { displayName, brand, ...fixed, authorizationParams, ...derive?.(options) },
      overrides,
    )
    assertSecret(id, provider, options)
    const profileUrl = fill(userInfoEndpoint)
    const profile: OAuth2Provider['profile'] = async (context) => {
      const raw = answer ? await answer(context, profileUrl, options) : await context.fetchJson(profileUrl)
      return { claims: mapClaims(claims, raw), raw }
    }
    return defineProvider({
      profile,
      ...provider,
      issuer: fill(provider.issuer),
      authorizationEndpoint: fill(provider.authorizationEndpoint),
      tokenEndpoint: fill(provider.tokenEndpoint),
      metadata: { ...fixed.metadata, ...metadata },
    })
  }
  return withRow(create, read)
}

function withRow<Options extends object>(
  create: (options: Options) => ProviderOptions,
  read: () => { id: string; displayName: string; brand?: PresetBrand; scope: string },
): Preset<Options> {
  const get = () => {
    const { id, displayName, brand = NEUTRAL, scope } = read()
    return { id, displayName, brand, scope }
  }
  return Object.defineProperty(create, 'row', { enumerable: true, get }) as Preset<Options>
}

/** Returns the shape of provider options without some of them. */
function without(names: readonly string[]): AnyShape {
  return Object.fromEntries(Object.entries(PROVIDER_SHAPE).filter(([name]) => !names.includes(name)))
}

/** An own option in a URL or parameter. Others, such as `{tenantid}`, are left as they are. */
const PLACEHOLDER = /\{(\w+)\}/g

/** Options as an application wrote them. */
interface ReadOptions<Overrides> {
  /** Those of any provider. */
  readonly overrides: Overrides
  /** Fills the preset's own ones into a URL. */
  fill(template: string): string
  /** Fills them into parameters. Those that lack an option are left out. */
  filled(parameters: Readonly<Record<string, string>> | undefined): Record<string, string>
}

/** Checks options. @throws `ERR_CONFIGURATION` */
function readOptions<Overrides extends object>(
  id: string,
  options: object,
  own: object = {},
  shape: AnyShape,
): ReadOptions<Overrides> {
  const owned = new Map(Object.entries(own as Readonly<Record<string, OwnOption>>))
  const checks = Object.fromEntries([...owned].map(([name, { check }]) => [name, check]))
  assertOptions<Record<string, unknown>>(options, id, { ...checks, ...shape })
  requireOption(options, id, 'clientId', 'set it to the client identifier that the provider assigned')
  for (const [name, { missing }] of owned) if (missing !== undefined) requireOption(options, id, name, missing)
  const given: Record<string, unknown> = options
  const overrides = Object.entries(given).filter(([name, value]) => value !== undefined && !owned.has(name))
  const valueAt = (name: string) => (owned.has(name) ? (given[name] ?? owned.get(name)?.default) : undefined)
  const fill = (template: string) =>
    template.replace(PLACEHOLDER, (whole, name: string) => String(valueAt(name) ?? whole))
  const isComplete = (template: string) =>
    [...template.matchAll(PLACEHOLDER)].every(([, name = '']) => !owned.has(name) || valueAt(name) !== undefined)
  return {
    overrides: Object.fromEntries(overrides) as Overrides,
    fill,
    filled(parameters = {}) {
      const complete = Object.entries(parameters).filter(([, template]) => isComplete(template))
      return Object.fromEntries(complete.map(([name, template]) => [name, fill(template)]))
    },
  }
}

/** Replaces a preset's options. Those of `authorizationParams` are replaced one by one. */
function merge<Fixed extends WithParams, Given extends WithParams>(preset: Fixed, overrides: Given): Fixed & Given {
  const merged = { ...preset, ...overrides }
  if (!preset.authorizationParams || !overrides.authorizationParams) return merged
  return { ...merged, authorizationParams: { ...preset.authorizationParams, ...overrides.authorizationParams } }
}

type WithParams = Pick<ProviderOptions, 'authorizationParams'>

/** Throws if there is no client secret, unless the application is a public client. */
function assertSecret(id: string, provider: Partial<ProviderOptions>, options: object): void {
  const { clientSecret, clientAuth, responseType } = provider
  if (clientSecret !== undefined || clientAuth === 'none' || responseType === 'id_token') return
  requireOption(options, id, 'clientSecret', "set it to the secret that the provider assigned, or clientAuth: 'none'")
}
