import {appendFile, readFile} from 'node:fs/promises'

import type {Interfaces} from '@oclif/core'

import {hasCode} from './system-error.ts'

const FUNCTION = '_lorchestra_with_job_names'

/**
 * Makes the completion function of bash, if there is one, complete names of jobs too: oclif's knows commands and flags
 * alone.
 */
export async function addJobNamesTo(path: string, commandLine: Interfaces.Config): Promise<void> {
  try {
    if ((await readFile(path, 'utf8')).includes(FUNCTION)) return
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  await appendFile(path, bashFunction(commandLine))
}

function bashFunction({commands, bin}: Interfaces.Config): string {
  const takingJobs = commands.filter(({args}) => 'job' in args)
  const ids = [...new Set(takingJobs.flatMap(({id, aliases}) => [id, ...aliases]))].toSorted()
  const options = takingJobs.flatMap(({flags}) =>
    Object.entries(flags).flatMap(([name, {type}]) => (type === 'option' ? [`--${name}`] : [])),
  )
  const values = [...new Set(options)].filter((name) => name !== '--config').toSorted()
  const first = (words: number): string =>
    ids
      .map((id) => id.split(':'))
      .filter((id) => id.length === words)
      .map((id) => (words === 1 ? `'${id.join(' ')} '*` : `'${id.join(' ')}'`))
      .join(' | ')
  return `
${FUNCTION}()
{
  local current="\${COMP_WORDS[COMP_CWORD]}" first index config=() IFS=$' \\t\\n'
  case "\${COMP_WORDS[1]} \${COMP_WORDS[2]-}" in
    ${first(2)}) first=3 ;;
    ${first(1)}) first=2 ;;
    *) first=$((COMP_CWORD + 1)) ;;
  esac
  if ((COMP_CWORD < first)); then
    _${bin}_autocomplete
    return
  fi
  if [[ "$current" == -* ]]; then
    # oclif's function knows flags right after the command.
    local COMP_WORDS=("\${COMP_WORDS[@]:0:first}" "$current") COMP_CWORD=$first
    _${bin}_autocomplete
    return
  fi
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
    --config)
      COMPREPLY=($(compgen -f -- "$current"))
      return
      ;;
    ${values.join(' | ')}) return ;;
  esac
  for ((index = first; index < COMP_CWORD; index++)); do
    [[ "\${COMP_WORDS[index]}" == --config ]] && config=(--config "\${COMP_WORDS[index + 1]}")
  done
  COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" jobs names "\${config[@]}" 2> /dev/null)" -- "$current"))
}
complete -o bashdefault -F ${FUNCTION} ${bin}
`
}
