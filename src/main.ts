import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { LocalCommands } from './cli/commands/local.ts'
import { accessOf, readOwner } from './cli/profile.ts'
import { runQuickstart } from './cli/quickstart.ts'
import { runCli } from './cli/run-cli.ts'
import type { Terminal } from './cli/terminal.ts'
import { ownRegionsOf, readConfig } from './config.ts'
import { release } from './release.ts'
import { openWorld } from './world.ts'

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort())

const out = terminalOf(process.stdout)
const err = terminalOf(process.stderr)
const homeFolder = process.env.VITRINE_HOME ?? join(homedir(), '.vitrine')

/** The commands that need the server's own code; only they load it, so that all others start fast. */
const local: LocalCommands = {
  async serve({ configFile, data, port, host, roles, regions, replaceSigningKey }) {
    process.umask(0o077)
    const { serve } = await import('./serve.ts')
    const flags = { data, port, host, roles, ownRegions: regions }
    const config = await readConfig(configFile, flags)
    const world = openWorld(config.logLevel)
    if (replaceSigningKey) {
      await (await import('./doors/replace-signing-key.ts')).replaceSigningKey(config, world)
    }
    const serving = await serve(config, world)
    const { url, installation, caFile } = serving
    if (!config.roles.includes('api')) {
      const regions = ownRegionsOf(config).join(', ')
      out.write(`Vitrine works for ${regions}, data in ${config.data}. Stop it with Ctrl-C.\n`)
    } else {
      out.write(`Vitrine serves ${url}, data in ${config.data}. Stop it with Ctrl-C.\n`)
      if (installation.owner?.created)
        out.write(`The owner's secret lies in ${installation.ownerFile}.\n`)
      if (caFile) out.write(`Clients trust it with ${caFile}.\n`)
      if (installation.owner) out.write(`Next: vitrine login --data ${config.data}\n`)
    }
    if (!stopping.signal.aborted) await once(stopping.signal, 'abort')
    await serving.stop()
    world.log({ level: 'info', event: 'stopped' })
  },

  async migrate({ to, caFile, data, configFile }) {
    const { moveEmbedded } = await import('./database.ts')
    const moved = await moveEmbedded(await readConfig(configFile, { data }), to, caFile)
    for (const { table, rows, digest } of moved) out.write(`${table}: ${rows} rows, ${digest}\n`)
    out.write('All rows arrived. Next: serve with the setting "database": { "url": … }.\n')
  },

  async backup({ to, data, configFile }) {
    process.umask(0o077)
    const { backUp } = await import('./backup.ts')
    const { packs, bytes, elsewhere } = await backUp(
      await readConfig(configFile, { data }),
      resolve(to),
    )
    out.write(`${to} has all rows and ${packs} packs (${bytes} bytes); every pack is there.\n`)
    if (elsewhere.length > 0) out.write(`Not copied, in buckets: ${elsewhere.join(', ')}.\n`)
  },

  async checkSpace({ place }) {
    const { checkSpace } = await import('./offline/space-check.ts')
    const lanes = availableParallelism()
    const signal = stopping.signal
    return await checkSpace(place, { world: openWorld('warn'), lanes, signal })
  },

  async restoreSpaces({ places, into, configFile }) {
    process.umask(0o077)
    const { restoreSpaces } = await import('./offline/space-restore.ts')
    const config = await readConfig(configFile, { data: into })
    const world = openWorld('warn')
    const { signal } = stopping
    const { versions, damaged, leftOut, settingsFile } = await restoreSpaces(config, places, {
      world,
      signal,
    })
    out.write(`${config.data} has ${versions.length} versions again.\n`)
    for (const id of damaged) out.write(`Damaged: ${id}\n`)
    for (const id of leftOut) out.write(`Not restored, its bytes stay where they are: ${id}\n`)
    out.write(`Next: vitrine serve --config ${settingsFile}\n`)
  },

  async quickstart({ file, data, keep }) {
    process.umask(0o077)
    const { serve } = await import('./serve.ts')
    const folder = data ?? (await mkdtemp(join(tmpdir(), 'vitrine-quickstart-')))
    const config = await readConfig(undefined, { data: folder, port: 0 })
    const serving = await serve(config, openWorld('warn'))
    try {
      const access = accessOf(await readOwner(serving.installation.ownerFile))
      await runQuickstart({
        access,
        stays: keep || data !== undefined,
        file,
        folder,
        world: openWorld('warn'),
        out,
        err,
        signal: stopping.signal,
      })
      if (keep && !stopping.signal.aborted) {
        out.write(`\nStill serving ${serving.url}. Stop it with Ctrl-C.\n`)
        await once(stopping.signal, 'abort')
      }
    } finally {
      await serving.stop()
      if (data === undefined && !keep) await rm(folder, { recursive: true, force: true })
    }
  },
}

process.exitCode = await runCli(process.argv.slice(2), {
  world: openWorld('warn'),
  version: release,
  homeFolder,
  out,
  err,
  signal: stopping.signal,
  local,
})

function terminalOf(stream: NodeJS.WriteStream): Terminal {
  // Whoever read it is gone (`| head`): nobody is left to be told.
  stream.on('error', () => undefined)
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    hasColor: stream.isTTY === true && process.env.NO_COLOR === undefined,
    columns: () => stream.columns ?? 100,
  }
}
