// @ts-check

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id))
const title = /** @type {HTMLInputElement} */ (element('title'))

await start()

async function start() {
  const { isAuthenticated, claims, loginUrl, logoutUrl } = await (await fetch('/user')).json()
  const here = new URLSearchParams({ returnTo: location.pathname })
  element('sign-in').setAttribute('href', `${loginUrl}?${here}`)
  element('sign-out').addEventListener('click', () => signOut(logoutUrl))
  element('add').addEventListener('submit', (event) => {
    event.preventDefault()
    void addReport()
  })
  if (!isAuthenticated) return show('signed-out')
  element('name').textContent = claims.name
  show('signed-in')
  await listReports(await call())
}

/**
 * Calls the API through this page's server. The header proves that a script of this origin sent the request.
 *
 * @param {RequestInit} [init]
 */
async function call({ headers, ...init } = {}) {
  return fetch('/api/reports', { ...init, headers: { 'X-Requested-With': 'fetch', ...headers } })
}

async function addReport() {
  const body = JSON.stringify({ title: title.value })
  const answer = await call({ method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
  await listReports(answer)
  if (answer.ok) title.value = ''
}

/** @param {Response} answer */
async function listReports(answer) {
  if (answer.status === 401) return show('signed-out')
  if (answer.status === 403) return say('You are not allowed to do that.')
  if (!answer.ok) return say('Something went wrong. Please try again in a moment.')
  const { reports } = /** @type {{ reports: string[] }} */ (await answer.json())
  element('reports').replaceChildren(
    ...reports.map((report) => Object.assign(document.createElement('li'), { textContent: report })),
  )
  say('')
}

/** @param {string} logoutUrl */
async function signOut(logoutUrl) {
  const answer = await fetch(logoutUrl, { method: 'POST', headers: { Accept: 'application/json' } })
  const next = /** @type {{ logoutUrl?: string }} */ (await answer.json())
  location.assign(next.logoutUrl ?? '/')
}

/** @param {'signed-in' | 'signed-out'} section */
function show(section) {
  for (const id of ['signed-in', 'signed-out']) element(id).hidden = id !== section
}

/** @param {string} text */
function say(text) {
  element('status').textContent = text
  element('status').hidden = text === ''
}
