// Prints, for each subpath, the names that `import` and `require` do not give as the same value in one process.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const differences = {}
for (const specifier of process.argv.slice(2)) {
  const imported = await import(specifier)
  const required = require(specifier)
  const names = new Set([...Object.keys(imported), ...Object.keys(required)])
  differences[specifier] = [...names].filter((name) => imported[name] !== required[name])
}
console.log(JSON.stringify(differences))
