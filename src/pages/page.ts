import type { ErrorCode } from '../errors.js'
import type { ProviderBrand } from '../provider/providerOptions.js'
import type { PageTexts } from './texts/texts.js'

/** What every page has: a part of {@link Page}. */
export interface PageBase {
  /** The language of the texts, such as `'de'`: for `lang`. */
  readonly language: string
  /** The direction of the language: for `dir`. */
  readonly direction: 'ltr' | 'rtl'
  /** All texts in that language. */
  readonly texts: PageTexts
  /** The title of the page, in that language. */
  readonly title: string
  /** The option `applicationName`. */
  readonly applicationName: string | undefined
}

/** The page that lists the providers. */
export interface SignInPage extends PageBase {
  readonly kind: 'sign-in'
  /** In the order to show them. */
  readonly providers: readonly SignInChoice[]
  /** The path of this application that the user returns to. From the browser, checked to stay within the application. */
  readonly returnTo: string | undefined
}

/** A provider on the sign-in page. */
export interface SignInChoice {
  /** Its name in `providers`. */
  readonly name: string
  /** The name to show. */
  readonly displayName: string
  /** The path that starts the login. */
  readonly url: string
  readonly brand: ProviderBrand | undefined
  /** Whether this browser signed in with it last. */
  readonly lastUsed: boolean
}

/** Details of an error that only developers should see. */
export interface DeveloperDetails {
  /** The error's own message. Can quote the provider: escape it. */
  readonly message: string
  /** The likely cause and the fix, with names of options. */
  readonly hint: string | undefined
  /** The page that documents the code. */
  readonly help: string
}

/** The page of a failure. */
export interface ErrorPage extends PageBase {
  readonly kind: 'error'
  /** The HTTP status, which is set already. */
  readonly status: number
  readonly code: ErrorCode
  /** What happened, in the user's language; the reason of a `LoginRefusedError` as it was thrown. */
  readonly message: string
  /** The error's own message, in English. `undefined` if users should not see it. */
  readonly detail: string | undefined
  /** What developers want to know, in English. Only while `env` of the Express application is `'development'`. */
  readonly developer: DeveloperDetails | undefined
  /** A path that tries again, if that makes sense. */
  readonly retryUrl: string | undefined
  /** The path of the login, if signing in again would help. */
  readonly signInUrl: string | undefined
  /** The path of the sign-in page, if there are several providers to choose from. */
  readonly chooseUrl: string | undefined
  /** The path of the start page. */
  readonly startUrl: string
}

/** The contents of the page of a device login. */
export interface DeviceView {
  /** `'pending'` while the code is valid. `'refused'` once the login has failed; a POST starts a new one. */
  readonly status: 'pending' | 'refused'
  /** The reason for the failure, such as `ERR_DEVICE_CODE_EXPIRED` or `ERR_AUTHORIZATION_DENIED`. */
  readonly error: ErrorCode | undefined
  /** The code to enter. It comes from the provider: escape it. */
  readonly userCode: string
  /** The page to enter the code at. Checked to be an https URL, or an http URL of a loopback host. */
  readonly verificationUri: string
  /** The same page with the code filled in, if the provider has one. Checked likewise. */
  readonly verificationUriComplete: string | undefined
  /** The QR code of that page, or else of `verificationUri`, as SVG markup. */
  readonly qrCode: string
  /** The time until the code expires. In seconds. */
  readonly expiresIn: number
  /** The time to wait before asking again. In seconds. */
  readonly interval: number
}

/** The page of a device login. */
export interface DevicePage extends PageBase, DeviceView {
  readonly kind: 'device'
}

/** The page after a logout. */
export interface SignedOutPage extends PageBase {
  readonly kind: 'signed-out'
  /** The path of the login. */
  readonly signInUrl: string
  /** The path of the start page. */
  readonly startUrl: string
}

/**
 * A page, for a template of one's own. Texts and titles are plain text, and so are names and codes of providers and
 * whatever comes from the browser: escape all of them. Only `qrCode` is markup.
 */
export type Page = SignInPage | ErrorPage | DevicePage | SignedOutPage
