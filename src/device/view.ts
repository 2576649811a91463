import { renderSVG } from 'uqr'
import type { DeviceView } from '../pages/page.js'
import type { DeviceTransaction } from './cookie.js'
import type { DeviceState } from './polling.js'

/** Returns what the page of a device login shows. */
export function toView(
  transaction: DeviceTransaction,
  state: Extract<DeviceState, { state: 'pending' | 'refused' }>,
): DeviceView {
  const { userCode, verificationUri, verificationUriComplete, expiresAt, interval } = transaction
  return {
    status: state.state,
    error: state.state === 'refused' ? state.code : undefined,
    userCode,
    verificationUri,
    verificationUriComplete,
    get qrCode() {
      return renderSVG(verificationUriComplete ?? verificationUri, { border: 2 })
    },
    expiresIn: Math.max(0, Math.round(expiresAt - Date.now() / 1000)),
    interval: Math.ceil(state.state === 'pending' ? Math.max(state.wait, 1) : interval),
  }
}
