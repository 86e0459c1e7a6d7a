#!/usr/bin/env node
import module from 'node:module'

// A reader that had enough (`lorchestra --help | head`) is not an error.
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

// Whoever links a plugin knows that it runs as it was compiled.
process.env.OCLIF_DISABLE_LINKED_ESM_WARNING ??= 'true'
module.enableCompileCache?.()
const {execute} = await import('@oclif/core')
await execute({dir: import.meta.url})
