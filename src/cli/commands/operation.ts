import { type CommandGroup, command } from '../command.ts'
import { needs } from '../flag.ts'
import { toned } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'

const watch = command({
  name: 'watch',
  says: 'Follow a long-running operation to its end; exit 0 when it succeeded.',
  more: 'The URL is the Azure-AsyncOperation header of the request, or what --no-wait printed.',
  flags: { url: needs('<operation>', 'URL or path of the operation, with its api-version.') },
  run: async (context, given) => {
    const { client } = await context.connect()
    const { host } = new URL(given.url, client.base)
    if (host !== new URL(client.base).host)
      throw new UsageError(
        `The operation lies at ${host}, but you are logged in to ${client.base}. Log in there: vitrine login.`,
      )
    let last = ''
    const output = await client.waitForUrl(given.url, {
      signal: context.signal,
      onPoll: ({ status, percentComplete }) => {
        const now = percentComplete === undefined ? status : `${status} ${percentComplete} %`
        if (now !== last) context.err.write(`${toned(context.err, 'dim', now)}\n`)
        last = now
      },
    })
    if (output === undefined || output === null) return undefined
    return {
      value: output,
      columns: [
        ['Name', 'name'],
        ['State', 'provisioningState'],
      ],
    }
  },
})

export const operationCommands: CommandGroup = {
  name: 'operation',
  says: 'Operations: the receipts of long work.',
  commands: [watch],
}
