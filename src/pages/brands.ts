import type { ProviderBrand } from '../provider/providerOptions.js'
import type { SignInChoice } from './page.js'
import { SURFACES } from './theme.js'

type Rgb = readonly [number, number, number]

/** The least contrast of text, and of what is not text. @see [WCAG 2.2 §1.4.3, §1.4.11](https://www.w3.org/TR/WCAG22/) */
const TEXT = 4.5
const GRAPHICS = 3

/** Below this contrast, a button has no visible edge of its own. */
const EDGE = 1.3

/** Returns the class of a provider's button on the sign-in page. */
export function brandClass(index: number): string {
  return `brand-${index}`
}

/** Returns the rules that color the buttons of providers. Colors that could not be read on a button are replaced. */
export function brandStyles(providers: readonly Pick<SignInChoice, 'brand'>[]): string {
  return providers.map(({ brand }, index) => (brand ? rulesOf(brand, `.${brandClass(index)}`) : '')).join('')
}

function rulesOf(brand: ProviderBrand, selector: string): string {
  const background = parseColor(brand.background)
  if (background === undefined) return tintedMark(brand, selector)
  const given = parseColor(brand.color)
  const text = given && contrast(given, background) >= TEXT ? given : readableOn(background)
  const border = parseColor(brand.border)
  const edge = (surface: string) =>
    border ? toHex(border) : contrast(background, rgbOf(surface)) < EDGE ? 'var(--rp-border)' : toHex(background)
  const light = `${selector} { background: ${toHex(background)}; color: ${toHex(text)}; border-color: ${edge(SURFACES.light)} }\n`
  return `${light}${inDark(`${selector} { border-color: ${edge(SURFACES.dark)} }`)}`
}

/** Colors only the mark of a button without a background, in the schemes in which it can be seen. */
function tintedMark(brand: ProviderBrand, selector: string): string {
  const color = parseColor(brand.color)
  const border = parseColor(brand.border)
  const rules = border ? `${selector} { border-color: ${toHex(border)} }\n` : ''
  if (color === undefined) return rules
  const fill = (surface: string) => (contrast(color, rgbOf(surface)) >= GRAPHICS ? toHex(color) : 'currentColor')
  const light = `${selector} svg { fill: ${fill(SURFACES.light)} }\n`
  return `${rules}${light}${inDark(`${selector} svg { fill: ${fill(SURFACES.dark)} }`)}`
}

function inDark(rule: string): string {
  return `@media (prefers-color-scheme: dark) { ${rule} }\n`
}

const BLACK: Rgb = [0, 0, 0]
const WHITE: Rgb = [255, 255, 255]

function readableOn(background: Rgb): Rgb {
  return contrast(WHITE, background) >= contrast(BLACK, background) ? WHITE : BLACK
}

/** Parses `#rgb` or `#rrggbb`. Anything else is no color. */
function parseColor(color: string | undefined): Rgb | undefined {
  if (color === undefined || !/^#(?:[\da-f]{3}|[\da-f]{6})$/i.test(color)) return undefined
  return rgbOf(color)
}

function rgbOf(color: string): Rgb {
  const digits = color.slice(1)
  const full = digits.length === 3 ? digits.replace(/./g, '$&$&') : digits
  const channel = (start: number) => Number.parseInt(full.slice(start, start + 2), 16)
  return [channel(0), channel(2), channel(4)]
}

function toHex(color: Rgb): string {
  return `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

/** Returns the contrast of two colors, from 1 to 21. @see [WCAG 2.2](https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio) */
export function contrast(one: Rgb, other: Rgb): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05)
}

function luminance([red, green, blue]: Rgb): number {
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

function linear(channel: number): number {
  const value = channel / 255
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
}
