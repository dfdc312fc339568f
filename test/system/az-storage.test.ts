import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataBytes } from '../support/arm.ts'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024
const group = ['-g', 'storageRG']

describe('az storage, unmodified', () => {
  let vitrine: TestInstallation
  let home: string
  let cli: AzureCli
  let az: AzureCli['az']
  let account: string[]

  beforeAll(async () => {
    vitrine = await openTestInstallation()
    home = await mkdtemp(join(tmpdir(), 'vitrine-az-storage-'))
    cli = await openAzureCli(vitrine, home)
    az = cli.az
    await az('group', 'create', '-n', 'storageRG', '-l', 'westeurope')
    const made = await az(
      'storage',
      'account',
      'create',
      ...group,
      '-n',
      'azvhds',
      '-l',
      'westeurope',
    )
    expect(made).toMatchObject({
      name: 'azvhds',
      provisioningState: 'Succeeded',
      primaryEndpoints: { blob: `${vitrine.url}/azvhds/` },
    })
    const told = await az('storage', 'account', 'show-connection-string', ...group, '-n', 'azvhds')
    const connection = String(Reflect.get(Object(told), 'connectionString'))
    account = ['--connection-string', connection]
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(home, { recursive: true, force: true })
  })

  const file = async (name: string, bytes: Uint8Array): Promise<string> => {
    const path = join(home, name)
    await writeFile(path, bytes)
    return path
  }

  it('uploads, lists, shows, downloads and deletes block and page blobs', async () => {
    await az('storage', 'container', 'create', '-n', 'vhds', ...account)
    const disk = new Uint8Array(8 * mib)
    disk.set(dataBytes(1, 700 * 1024), mib)
    disk.set(dataBytes(2, 512), 8 * mib - 512)
    const blobs = {
      'disk.vhd': { bytes: disk, type: ['--type', 'page'], is: 'PageBlob' },
      'notes.txt': { bytes: dataBytes(3, 1000), type: [], is: 'BlockBlob' },
      'large.bin': { bytes: dataBytes(4, 70 * mib + 1), type: [], is: 'BlockBlob' },
    }
    for (const [name, { bytes, type, is }] of Object.entries(blobs)) {
      const of = ['-c', 'vhds', '-n', name, ...account]
      const path = await file(name, bytes)
      await az('storage', 'blob', 'upload', ...of, '-f', path, ...type)
      expect(await az('storage', 'blob', 'show', ...of)).toMatchObject({
        name,
        properties: { blobType: is, contentLength: bytes.length },
      })
      await az('storage', 'blob', 'download', ...of, '-f', `${path}.back`, '--no-progress')
      expect(Buffer.compare(await readFile(`${path}.back`), bytes)).toBe(0)
    }
    const listed = await az('storage', 'blob', 'list', '-c', 'vhds', ...account)
    const names = [listed].flat().map((blob) => Reflect.get(Object(blob), 'name'))
    expect(names).toEqual(['disk.vhd', 'large.bin', 'notes.txt'])
    await az('storage', 'blob', 'delete', '-c', 'vhds', '-n', 'notes.txt', ...account)
    const asked = ['-c', 'vhds', '-n', 'notes.txt', ...account]
    expect(await az('storage', 'blob', 'exists', ...asked)).toEqual({ exists: false })
  })

  it('keeps containers and many blobs at once, and says what is not there or not had', async () => {
    const folder = join(home, 'many')
    await mkdir(join(folder, 'in'), { recursive: true })
    for (const name of ['a', 'b']) await writeFile(join(folder, 'in', name), dataBytes(7, 512))
    const say = (line: string) => cli.say(line, ...account)
    const no = (line: string) => cli.refused(line, ...account)
    await say('storage container create -n many')
    await say(`storage blob upload-batch -d many -s ${folder} --no-progress`)
    await mkdir(join(home, 'back'))
    await say(`storage blob download-batch -s many -d ${join(home, 'back')} --no-progress`)
    expect(await readFile(join(home, 'back', 'in', 'b'))).toEqual(Buffer.from(dataBytes(7, 512)))
    await say('storage blob metadata update -c many -n in/a --metadata k=v')
    await say('storage blob delete-batch -s many --pattern in/b')
    const told = await Promise.all([
      say('storage container list --query [].name'),
      say('storage container show -n many --query name'),
      say('storage container exists -n none'),
      say('storage blob list -c many --include m --query [].[name,metadata.k]'),
      no('storage container show -n none'),
      no('storage container create -n no--name'),
      no(`storage blob download -c many -n none -f ${join(home, 'none')} --no-progress`),
      no('storage blob delete -c many -n none'),
      no('storage blob set-tier -c many -n in/a --tier Cool'),
      no(
        'storage blob copy cancel --destination-container many --destination-blob in/a --copy-id x',
      ),
    ])
    expect(told).toEqual([
      ['many', 'vhds'],
      'many',
      { exists: false },
      [['in/a', 'v']],
      expect.stringMatching(/^3 .*ContainerNotFound/s),
      expect.stringMatching(/^1 .*InvalidResourceName/s),
      expect.stringMatching(/^3 .*BlobNotFound/s),
      expect.stringMatching(/^3 .*BlobNotFound/s),
      expect.stringMatching(/^1 .*FeatureNotSupported/s),
      expect.stringMatching(/^1 .*NoPendingCopyOperation/s),
    ])
    expect(await say('storage container delete -n many')).toEqual({ deleted: true })
  })

  it('copies a blob, and writes over it only when it is told to', async () => {
    const from = ['--source-container', 'vhds', '--source-blob', 'disk.vhd']
    const to = ['--destination-container', 'vhds', '--destination-blob', 'copy.vhd']
    const copied = await az('storage', 'blob', 'copy', 'start', ...from, ...to, ...account)
    expect(copied).toMatchObject({ copy_status: 'success' })
    const path = await file('other', dataBytes(5, 512))
    const over = ['-c', 'vhds', '-n', 'copy.vhd', '-f', path, ...account]
    await expect(az('storage', 'blob', 'upload', ...over)).rejects.toMatchObject({ code: 1 })
    await az('storage', 'blob', 'upload', ...over, '--overwrite')
  })

  it('signs a SAS, and uses it; asks for a token, and uses that', async () => {
    const sas = await az(
      ...['storage', 'container', 'generate-sas', '-n', 'vhds', '--permissions', 'rl'],
      ...['--expiry', '2099-01-01T00:00Z', ...account],
    )
    const at = ['--account-name', 'azvhds', '--blob-endpoint', `${vitrine.url}/azvhds`]
    const bySas = ['-c', 'vhds', ...at, '--sas-token', String(sas)]
    expect(await az('storage', 'blob', 'list', ...bySas)).toHaveLength(3)
    const refused = az('storage', 'blob', 'delete', ...bySas, '-n', 'copy.vhd')
    await expect(refused).rejects.toMatchObject({ code: 1 })
    const byToken = [...at, '--auth-mode', 'login']
    await az('storage', 'container', 'create', '-n', 'byrole', ...byToken)
    const path = await file('small', dataBytes(6, 512))
    const of = ['-c', 'byrole', '-n', 'small', ...byToken]
    await az('storage', 'blob', 'upload', ...of, '-f', path, '--type', 'page')
    await az('storage', 'blob', 'delete', ...of)
  })

  it('reads, turns and deletes what ARM keeps: keys, containers, the account', async () => {
    const named = [...group, '-n', 'azvhds']
    const before = await az('storage', 'account', 'keys', 'list', ...named)
    const after = await az('storage', 'account', 'keys', 'renew', ...named, '--key', 'primary')
    expect([before].flat()).toHaveLength(2)
    expect([after].flat()[0]).not.toEqual([before].flat()[0])
    expect([after].flat()[1]).toEqual([before].flat()[1])
    const stale = az('storage', 'blob', 'list', '-c', 'vhds', ...account)
    await expect(stale).rejects.toMatchObject({ code: 1 })
    const boxes = ['--storage-account', 'azvhds', ...group]
    await az('storage', 'container-rm', 'create', ...boxes, '-n', 'overarm')
    expect(await az('storage', 'container-rm', 'list', ...boxes)).toHaveLength(3)
    await az('storage', 'container-rm', 'delete', ...boxes, '-n', 'overarm', '--yes')
    const no = await Promise.all([
      cli.refused('storage account show -n none', ...group),
      cli.refused('storage account create -l westeurope -n UPPER', ...group),
      cli.refused('storage account create -l westeurope -n hns1 --hns true', ...group),
      cli.refused('storage container-rm create -n open --public-access blob', ...boxes),
    ])
    expect(no).toEqual([
      expect.stringMatching(/^3 \(ResourceNotFound\)/),
      expect.stringMatching(/^1 \(AccountNameInvalid\)/),
      expect.stringMatching(/^1 \(InvalidParameter\)/),
      expect.stringMatching(/^1 \(InvalidParameter\)/),
    ])
    const updated = await az('storage', 'account', 'update', ...named, '--access-tier', 'Cool')
    expect(updated).toMatchObject({ accessTier: 'Cool' })
    expect(await az('storage', 'account', 'check-name', '-n', 'azvhds')).toMatchObject({
      nameAvailable: false,
    })
    await az('storage', 'account', 'delete', ...named, '--yes')
    expect(await az('storage', 'account', 'list')).toEqual([])
  })
})
