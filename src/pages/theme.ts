/** The custom properties that an application can set, with their defaults: in light colors, and where dark ones differ. */
const VARIABLES: Readonly<Record<string, readonly [light: string, dark?: string]>> = {
  '--rp-font': ['system-ui, sans-serif'],
  '--rp-background': ['#f3f4f7', '#12141b'],
  '--rp-surface': ['#ffffff', '#1b1e28'],
  '--rp-text': ['#1b1f2a', '#e9ebf2'],
  '--rp-muted': ['#586075', '#a4abbd'],
  '--rp-border': ['#8a92a6', '#6b7389'],
  '--rp-accent': ['#1f4fd8', '#9db8ff'],
  '--rp-accent-text': ['#ffffff', '#10131c'],
  '--rp-focus': ['var(--rp-accent)'],
  '--rp-radius': ['0.75rem'],
  '--rp-width': ['26rem'],
}

/** The names of the custom properties that an application can set. */
export const VARIABLE_NAMES = Object.keys(VARIABLES)

/** The default surface of the pages, which the colors of providers have to stand out from. */
export const SURFACES = { light: '#ffffff', dark: '#1b1e28' } as const

function declarations(pick: 0 | 1): string {
  return Object.entries(VARIABLES)
    .flatMap(([name, values]) => (values[pick] === undefined ? [] : [`${name}: ${values[pick]}`]))
    .join('; ')
}

/** The style of all pages. */
export const THEME = `
:root { color-scheme: light dark; ${declarations(0)} }
@media (prefers-color-scheme: dark) { :root { ${declarations(1)} } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: flex; flex-direction: column; align-items: center;
  justify-content: center; gap: 1.25rem; padding: 1.5rem 1rem; background: var(--rp-background); color: var(--rp-text);
  font: 1.0625rem/1.5 var(--rp-font); overflow-wrap: anywhere; -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
header { font-weight: 600; font-size: 1.25rem; text-align: center }
main { width: 100%; max-width: var(--rp-width); padding: 2rem 1.75rem; background: var(--rp-surface);
  border: 1px solid color-mix(in srgb, var(--rp-border) 45%, transparent); border-radius: var(--rp-radius) }
main > :last-child { margin-bottom: 0 }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; text-wrap: balance }
p { margin: 0 0 1rem }
a { color: inherit; text-underline-offset: .15em }
:focus-visible { outline: 3px solid var(--rp-focus); outline-offset: 2px }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem }
.button { display: flex; align-items: center; justify-content: center; gap: .75rem; width: 100%; min-height: 2.875rem;
  padding: .5rem 1rem; border: 1px solid var(--rp-border); border-radius: calc(var(--rp-radius) * .75); background: transparent;
  color: var(--rp-text); font: inherit; font-weight: 600; line-height: 1.25; text-align: center; text-decoration: none;
  cursor: pointer }
.button:hover { text-decoration: underline }
.primary { background: var(--rp-accent); border-color: var(--rp-accent); color: var(--rp-accent-text) }
.actions { margin-top: 1.5rem }
details { margin-top: 1rem; font-size: .9375rem }
summary { cursor: pointer }
details p { margin: .5rem 0 0 }
.quiet { color: var(--rp-muted); font-size: .9375rem }
.choice { justify-content: flex-start; text-align: start }
.choice svg { flex: none; width: 1.375rem; height: 1.375rem; fill: currentColor }
.choice svg + span { flex: 1 }
.badge { flex: none; margin-inline-start: auto; padding: .0625rem .5rem; border: 1px solid currentColor; border-radius: 1rem;
  font-size: .75rem; font-weight: 500 }
.code { margin: .5rem 0 1rem; font: 700 2.1rem/1.2 ui-monospace, monospace; letter-spacing: .08em }
.qr svg { display: block; width: min(15rem, 100%); height: auto; margin: 1.25rem auto; border-radius: .5rem }
.centered { text-align: center }
`
