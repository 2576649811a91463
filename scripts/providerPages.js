// @ts-check
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { moreNotes } from './moreProviderNotes.js'
import { LOCAL_LOGOUT, notes } from './providerNotes.js'

// Writes docs/providers: a page for each preset, from its row, the doc comments of its own options and providerNotes.js; and
// the tables of presets.

/** @typedef {import('express-relying-party').ProviderOptions} ProviderOptions */
/** @typedef {{ name: string, isRequired: boolean, text: string }} OwnOption */
/** @typedef {{ (options: never): ProviderOptions, row: { id: string, displayName: string } }} Preset */

/**
 * Returns the pages by file name.
 *
 * @param {Record<string, unknown>} module the entry point `express-relying-party/providers`
 * @returns {Map<string, string>}
 */
export function providerPages(module) {
  const own = ownOptions()
  const pages = presetsOf(module).map(
    (preset) => /** @type {const} */ ([`${preset.row.id}.md`, pageOf(preset, own.get(preset.row.id) ?? [])]),
  )
  return new Map([['README.md', indexOf(module)], ...pages])
}

/**
 * Returns the table of presets.
 *
 * @param {readonly Preset[]} presets
 * @param {string} folder where its links lead
 */
function presetTable(presets, folder) {
  const rows = presets.map((preset) => {
    const { id, displayName } = preset.row
    const { protocol, pkce } = optionsOf(preset)
    const kind = protocol === 'oauth2' ? 'OAuth 2.0' : 'OpenID Connect'
    const mark = moreNotes[id]?.confidence === 'low' ? ' (*)' : ''
    return `| [${displayName}](${folder}${id}.md)${mark} | \`${id}\` | ${kind} | ${pkce === 'refused' ? 'no' : 'yes'} |`
  })
  return ['| Provider | Preset | Protocol | PKCE |', '|---|---|---|---|', ...rows].join('\n')
}

/** @param {Record<string, unknown>} module @returns {Preset[]} */
function presetsOf(module) {
  const all = Object.values(module).filter((value) => typeof value === 'function' && 'row' in value)
  return /** @type {Preset[]} */ (all).sort((one, other) =>
    one.row.displayName.localeCompare(other.row.displayName, 'en'),
  )
}

/** The sample's options as values. @param {Preset} preset */
function optionsOf(preset) {
  const { values = {}, secret } = notesOf(preset)
  const own = preset.row.id === 'apple' ? { ...values, privateKey: appleKey() } : values
  const credentials = { clientId: 'app', ...(secret === false ? {} : { clientSecret: 'secret' }) }
  return preset(/** @type {never} */ ({ ...credentials, ...own }))
}

function appleKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** @param {Preset} preset */
function notesOf({ row }) {
  const found = notes[row.id] ?? shortNotes(row)
  if (!found) throw new Error(`scripts/moreProviderNotes.js has no notes about ${row.id}`)
  return found
}

const RP_LOGOUT = 'RP-initiated logout, if the metadata of the provider announces it.'

const EMAIL = {
  claim: '`email_verified` says so, if the provider does.',
  never: '`email_verified` is always `false`: the provider does not say.',
  none: 'There are no addresses.',
}

/** @param {{ id: string, displayName: string }} row @returns {Omit<import('./providerNotes.js').Notes, 'logout'> & { logout?: string } | undefined} */
function shortNotes({ id, displayName }) {
  const found = moreNotes[id]
  if (!found) return undefined
  const { confidence, email, refresh, quirks = [], values = {}, ...rest } = found
  const unverified = confidence === 'low' ? ['Everything: these facts have one source, or an old one.'] : []
  return {
    where: `the settings for developers of ${displayName}, and create an application`,
    refresh: refresh ?? 'As the provider issues them.',
    email: EMAIL[email],
    quirks,
    values,
    options: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, `'${value}'`])),
    unverified,
    ...rest,
  }
}

/** @param {Preset} preset @param {readonly OwnOption[]} own */
function pageOf(preset, own) {
  const { id, displayName } = preset.row
  const provider = optionsOf(preset)
  const isOAuth2 = provider.protocol === 'oauth2'
  const { logout = isOAuth2 ? LOCAL_LOGOUT : RP_LOGOUT, ...pageNotes } = notesOf(preset)
  const { where, redirect, credentials, refresh, email, quirks, unverified = [] } = pageNotes
  const prefix = id.toUpperCase()
  const facts = [
    ['Protocol', isOAuth2 ? 'OAuth 2.0: the user is read from its API' : 'OpenID Connect'],
    ['Issuer, with `sub` the key of an account', `\`${provider.issuer}\``],
    ['Scopes', `\`${provider.scope}\``],
    ['PKCE', provider.pkce === 'refused' ? 'not used; `state` and its cookie protect the login' : 'S256'],
    ['Client authentication', `\`${provider.clientAuth ?? 'client_secret_basic'}\``],
    ['Response', provider.responseMode === 'form_post' ? '`form_post`' : 'query'],
    ...(provider.idTokenSigningAlg ? [['ID tokens', provider.idTokenSigningAlg]] : []),
    ['Refresh tokens', refresh],
    ['Logout', logout],
    ['Verified e-mail addresses', email],
  ]
  return `<!-- Generated by scripts/providerPages.js: do not edit. -->

# Sign in with ${displayName}

## Register your application

1. Open ${where}.
2. Enter the redirect URI: \`<baseUrl>/callback/${id}\`, or \`<baseUrl>/callback\` if it is the only provider, with the option
   \`provider\`.${redirect === undefined ? '' : ` ${redirect.replace('ID', id)}`}
3. ${credentials ?? 'Copy the client identifier and the secret.'} Keep them in the environment, not in the code.

## Use it

\`\`\`js
import { ${id} } from 'express-relying-party/providers'

${sampleOf(preset, prefix)}
\`\`\`

\`providers\` is an option of \`relyingParty\`. With \`app.get('/login', login())\` and
\`app.all('/callback/:provider', callback())\`, \`/login?provider=${id}\` signs users in.

## What it does

| | |
|---|---|
${facts.map(([name, value]) => `| ${name} | ${value} |`).join('\n')}

${quirks.length === 0 ? '' : `${list(quirks)}\n`}${optionsSection(id, own)}
Every [option of a provider](../../README.md#options-of-a-provider) can be set as well, and replaces that of the preset.

## Not verified

This preset was written from public documentation, and is tested with answers of the form that it describes. It was not tried
against the live service. If something has changed, override the option, and please open an issue.
${unverified.length === 0 ? '' : `\nIn particular, these need a check:\n\n${list(unverified)}\n`}`
}

/** @param {readonly string[]} items */
function list(items) {
  return items.map((item) => `- ${item}`).join('\n')
}

/** @param {string} id @param {readonly OwnOption[]} own */
function optionsSection(id, own) {
  if (own.length === 0) return ''
  const rows = own.map(({ name, isRequired, text }) => `| \`${name}\` | ${isRequired ? 'Required. ' : ''}${text} |`)
  return `\n| Option of \`${id}()\` | |\n|---|---|\n${rows.join('\n')}\n`
}

/**
 * Reads the options that only one preset has, with their doc comments, by the preset's name.
 *
 * @returns {Map<string, OwnOption[]>}
 */
function ownOptions() {
  const folder = new URL('../src/providers/', import.meta.url)
  const statements = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8')
      return [...ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true).statements]
    })
  const types = new Map(
    statements.filter(ts.isInterfaceDeclaration).map(({ name, members }) => [name.text, members.map(ownOption)]),
  )
  const variables = statements.filter(ts.isVariableStatement).flatMap((node) => [...node.declarationList.declarations])
  return new Map(
    variables.flatMap(({ name, initializer }) => {
      const [type] = initializer && ts.isCallExpression(initializer) ? (initializer.typeArguments ?? []) : []
      return type ? [[name.getText(), types.get(type.getText()) ?? []]] : []
    }),
  )
}

/** @param {ts.TypeElement} member @returns {OwnOption} */
function ownOption(member) {
  const [comment] = ts.getJSDocCommentsAndTags(member)
  const text = (ts.getTextOfJSDocComment(comment?.comment) ?? '').replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')
  return { name: member.name?.getText() ?? '', isRequired: member.questionToken === undefined, text }
}

/** @param {Preset} preset @param {string} prefix */
function sampleOf(preset, prefix) {
  const { id } = preset.row
  const { options = {}, secret } = notesOf(preset)
  const lines = [
    `clientId: process.env.${prefix}_CLIENT_ID`,
    ...(secret === false ? [] : [`clientSecret: process.env.${prefix}_CLIENT_SECRET`]),
    ...Object.entries(options).map(([name, code]) => `${name}: ${code}`),
  ]
  return `const providers = {\n  ${id}: ${id}({\n${lines.map((line) => `    ${line},\n`).join('')}  }),\n}`
}

/** @param {Record<string, unknown>} module */
function indexOf(module) {
  return `<!-- Generated by scripts/providerPages.js: do not edit. -->

# Providers

A preset has the endpoints, the scopes and the quirks of one provider: \`google({ clientId, clientSecret })\` returns the options
that \`relyingParty\` takes. Importing one loads none of the others into a bundle. Each page says where to register, which
redirect URI to enter and what to know. [Social login](../social-login.md) shows the whole application.

${presetTable(presetsOf(module), '')}

(*) These facts have one source, or an old one. Please open an issue if a login works, or does not.

## When something is wrong

No preset was tried against the live service. An option that you set replaces that of the preset, endpoints and \`profile\` included:

\`\`\`js
asana({ clientId, clientSecret, userInfoEndpoint: 'https://app.asana.com/api/2.0/me', scope: 'openid email' })
\`\`\`

[CONTRIBUTING](../../CONTRIBUTING.md#presets-of-providers) says how to correct the preset itself.

Any other OpenID Provider works from its \`issuer\`, and any other OAuth 2.0 server with
[\`defineProvider()\`](../social-login.md#any-oauth-20-server).
`
}

const START = '<!-- presets: generated by scripts/providerPages.js -->\n'
const END = '\n<!-- /presets -->'
const SUCH_AS = [
  'Atlassian',
  'Bitbucket',
  'Figma',
  'Notion',
  'Zoom',
  'Salesforce',
  'PayPal',
  'Yahoo',
  'Kakao',
  'Naver',
  'authentik',
]

/** Returns a page with the table of presets in it. @param {string} page @param {Record<string, unknown>} module */
export function withTable(page, module) {
  const [before, rest] = page.split(START)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error('the page has no place for the table of presets')
  const [inFull, others] = [
    presetsOf(module).filter(({ row }) => notes[row.id]),
    presetsOf(module).filter(({ row }) => !notes[row.id]),
  ]
  const more = `There are [${others.length} more](docs/providers/README.md), such as ${SUCH_AS.join(', ')}.`
  return `${before}${START}${presetTable(inFull, 'docs/providers/')}\n\n${more}${END}${after}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = new URL('../', import.meta.url)
  // Types are checked without a build.
  const built = new URL('dist/providers.js', root).href
  const module = await import(built)
  mkdirSync(new URL('docs/providers/', root), { recursive: true })
  for (const [name, page] of providerPages(module)) writeFileSync(new URL(`docs/providers/${name}`, root), page)
  const readme = new URL('README.md', root)
  writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), module))
}
