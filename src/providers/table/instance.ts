import { instanceUrl } from './checks.js'
import type { OwnOptions } from './row.js'

/** Options of presets for software that an organization runs itself. */
export interface InstanceOptions {
  /** The URL of the instance, such as `'https://login.example.com'`, without a slash at the end. */
  url: string
}

export const INSTANCE: OwnOptions<InstanceOptions> = {
  url: { check: instanceUrl, missing: 'write the URL of the instance, such as https://login.example.com' },
}
