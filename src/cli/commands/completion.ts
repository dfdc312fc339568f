import { type Command, type CommandGroup, command } from '../command.ts'
import { complete } from '../complete.ts'
import { completionScript } from '../completion-script.ts'
import { many, needs } from '../flag.ts'

/** `vitrine completion bash|zsh`, and the hidden command that its script asks at each tab. */
export function completionCommands(table: readonly CommandGroup[]): CommandGroup {
  const completion = command({
    name: 'completion',
    says: 'Print a script that completes commands, flags, regions and names in your shell.',
    examples: ['source <(vitrine completion bash)', 'source <(vitrine completion zsh)'],
    flags: { shell: needs('<shell>', 'Which shell.', { choices: ['bash', 'zsh'] }) },
    run: async (context, given) => {
      context.out.write(completionScript(given.shell === 'zsh' ? 'zsh' : 'bash'))
      return undefined
    },
  })
  const ask: Command = command({
    name: '__complete',
    says: 'Print what the last of the words can become.',
    hidden: true,
    flags: {
      words: many('--words <word...>', 'The words typed so far.', { read: (text) => text }),
    },
    run: async (context, given) => {
      const known = [...table, { name: '', says: '', commands: [completion] }]
      const words = await complete(known, given.words ?? [], context)
      context.out.write(words.map((word) => `${word}\n`).join(''))
      return undefined
    },
  })
  return { name: '', says: '', commands: [completion, ask] }
}
