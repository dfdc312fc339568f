import type { AzCall, Exported, Step } from './steps.ts'

/** The steps as lines of a POSIX shell; no secret is in them. */
export function shellLines(steps: readonly Step[]): readonly string[] {
  return steps.flatMap(linesOf)
}

function linesOf(step: Step): readonly string[] {
  switch (step.is) {
    case 'folder':
      return [`mkdir -p ${quoted(step.path)}`]
    case 'join':
      return [`cat ${step.files.map(quoted).join(' ')} > ${quoted(step.to)}`]
    case 'write':
      return [`cat > ${quoted(step.file)} <<'END_OF_FILE'`, step.text.trimEnd(), 'END_OF_FILE']
    case 'remove':
      return [`rm -rf ${quoted(step.path)}`]
    case 'export':
      return [exportLine(step)]
    case 'unset':
      return [`unset ${step.name}`]
    case 'az':
      return [azLine(step)]
  }
}

export function exportLine({ name, value, isPath = false }: Exported): string {
  const rest = isPath ? `"\${${name}:+:$${name}}"` : ''
  return `export ${name}=${quoted(value)}${rest}`
}

function azLine({ args, otherwise, secretFile }: AzCall): string {
  const line = commandOf(args)
  if (secretFile !== undefined) {
    const read = String.raw`sed -n 's/.*"clientSecret": *"\([^"]*\)".*/\1/p'`
    return `${read} ${quoted(secretFile)} | ${line}`
  }
  return otherwise === undefined ? line : `${line} 2> /dev/null || ${commandOf(otherwise)}`
}

const commandOf = (args: readonly string[]): string => ['az', ...args.map(quoted)].join(' ')

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
