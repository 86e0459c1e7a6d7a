#!/usr/bin/env node
import module from 'node:module'

import {settleMissingUser} from './missing-user.js'

// Whoever links a plugin knows that it runs as it was compiled.
process.env.OCLIF_DISABLE_LINKED_ESM_WARNING ??= 'true'
// oclif would load all of semver to compare the version of Node; package.json says it, and npm checks it.
process.env.OCLIF_DISABLE_ENGINE_WARNING ??= 'true'
// Whatever npm installs for a plugin runs no script of it, unless the user says so.
process.env.npm_config_ignore_scripts ??= 'true'
module.enableCompileCache?.()
settleMissingUser(process.env)
const {asksForJson, formatErrorDocument, handle, keepForeignCodeOut, outliveLostOutput, run, withHelpAsked} =
  await import('../dist/cli/start.js')
outliveLostOutput()
const words = process.argv.slice(2)
try {
  await keepForeignCodeOut(words[0])
  await run(withHelpAsked(words, process.env), import.meta.url)
} catch (thrown) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const ended = error.code === 'EEXIT'
  const told = !ended && asksForJson(words, process.env)
  if (told) process.stdout.write(formatErrorDocument(error))
  // A plugin brings a copy of oclif of its own; how that one ends a command is no error to print.
  if (ended || told) error.skipOclifErrorHandling = true
  await handle(error)
}
