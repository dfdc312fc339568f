import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { dataBytes } from '../support/arm.ts'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  publishVersion,
  uploadDisk,
} from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const run = promisify(execFile)
/** Packer 1 knows Azure's own clouds alone: these names are led to the installation, as an operator's DNS would. */
const azureHosts = ['login.microsoftonline.com', 'management.azure.com', 'vault.azure.net']
const Owner = z.object({ tenantId: z.string(), clientId: z.string(), clientSecret: z.string() })

let vitrine: TestInstallation
let home: string
let proxy: ReturnType<typeof createServer>
beforeAll(async () => {
  vitrine = await openTestInstallation({ config: { hostNames: azureHosts } })
  home = await mkdtemp(join(tmpdir(), 'vitrine-packer-'))
  proxy = leadTo(Number(new URL(vitrine.url).port))
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
})
afterAll(async () => {
  proxy.closeAllConnections()
  proxy.close()
  await vitrine.close()
  await rm(home, { recursive: true, force: true })
})

/** Answers CONNECT for those names with a connection to `port`, and for no other. */
function leadTo(port: number) {
  return createServer((_request, response) => void response.writeHead(403).end()).on(
    'connect',
    ({ url = '' }, client, head) => {
      const [host = ''] = url.split(':')
      if (!azureHosts.includes(host)) return client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      const upstream = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n')
        upstream.write(head)
        upstream.pipe(client).pipe(upstream)
      })
      upstream.on('error', () => client.destroy())
      client.on('error', () => upstream.destroy())
      return undefined
    },
  )
}

/** What Packer says of a build of `template`; it always fails, since there are no machines. */
async function build(template: unknown): Promise<string> {
  const file = join(home, 'template.json')
  await writeFile(file, JSON.stringify(template))
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    SSL_CERT_FILE: join(vitrine.data, 'tls', 'ca.pem'),
    HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    CHECKPOINT_DISABLE: '1',
    PACKER_NO_COLOR: '1',
  }
  const told = await run('packer', ['build', '-color=false', file], { env }).catch(
    (failed: unknown) => z.object({ stdout: z.string(), stderr: z.string() }).parse(failed),
  )
  return told.stdout + told.stderr
}

async function templateFor(image: string, from: string) {
  const owner = Owner.parse(JSON.parse(await readFile(join(vitrine.data, 'owner.json'), 'utf8')))
  const destination = {
    subscription: vitrine.subscription,
    resource_group: group,
    gallery_name: gallery,
  }
  return {
    builders: [
      {
        type: 'azure-arm',
        tenant_id: owner.tenantId,
        client_id: owner.clientId,
        client_secret: owner.clientSecret,
        subscription_id: vitrine.subscription,
        os_type: 'Linux',
        location: 'westeurope',
        vm_size: 'Standard_DS1_v2',
        managed_image_resource_group_name: group,
        managed_image_name: 'built',
        shared_image_gallery: { ...destination, image_name: definition, image_version: from },
        shared_image_gallery_destination: {
          ...destination,
          image_name: image,
          image_version: '2.0.0',
          replication_regions: ['westeurope', 'eastus'],
        },
      },
    ],
  }
}

it('Packer 1 signs in, finds the gallery and the definition, and is told by name where machines begin', async () => {
  await makeDefinition(vitrine)
  const disk = await uploadDisk(vitrine, 'os', dataBytes(1))
  const targetRegions = [{ name: 'westeurope' }]
  await publishVersion(vitrine, '1.0.0', { source: disk, targetRegions })
  const nowhere = await build(await templateFor('nothing', '1.0.0'))
  expect(nowhere).toContain('Getting tokens using client secret')
  expect(nowhere).toContain('the Shared Gallery Image to which to publish')
  const told = await build(await templateFor(definition, '1.0.0'))
  // It has made a group and sent the template of its machine.
  expect(told).toContain('Deploying deployment template')
  expect(told).toContain('InvalidTemplateDeployment')
  expect(told).toContain("'Microsoft.Compute/virtualMachines', which is not served here.")
  expect(told).toContain('Resource group has been deleted.')
})
