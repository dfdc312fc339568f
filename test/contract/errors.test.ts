import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { gallery, group, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }

describe('the front door of ARM', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
  })
  afterAll(() => vitrine.close())

  describe('names what is missing, in Azure’s words', () => {
    it('ResourceNotFound', async () => {
      const answer = await arm.get('galleries/none')
      expect(answer.status).toBe(404)
      expect(answer.body).toEqual({
        error: {
          code: 'ResourceNotFound',
          message:
            `The Resource 'Microsoft.Compute/galleries/none' under resource group '${group}' was not found. ` +
            'For more details please go to https://aka.ms/ARMResourceNotFoundFix',
        },
      })
    })

    it('ResourceNotFound of a nested resource says each type with its name', async () => {
      const answer = await arm.get(`galleries/${gallery}/images/none`)
      expect(answer.status).toBe(404)
      expect(errorOf(answer)).toMatchObject({
        code: 'ResourceNotFound',
        message: expect.stringContaining(
          `The Resource 'Microsoft.Compute/galleries/${gallery}/images/none' under resource group '${group}' was not found.`,
        ),
      })
    })

    it('ResourceGroupNotFound', async () => {
      const other = openArm(vitrine, 'noGroup')
      const message = `Resource group 'noGroup' could not be found.`
      for (const answer of [
        await other.get('galleries/any'),
        await other.get('galleries'),
        await other.get(other.groupPath),
        await other.put('galleries/any', west),
        await other.ask('DELETE', other.groupPath),
      ]) {
        expect(answer.status).toBe(404)
        expect(answer.body).toEqual({ error: { code: 'ResourceGroupNotFound', message } })
      }
    })

    it('ParentResourceNotFound, with all names above', async () => {
      const says = (names: string) =>
        `Can not perform requested operation on nested resource. Parent resource '${names}' not found.`
      for (const [path, names] of [
        ['galleries/none/images/d', 'none'],
        [`galleries/${gallery}/images/none/versions/1.0.0`, `${gallery}/none`],
      ] as const) {
        const answer = await arm.put(path, west)
        expect(answer.status).toBe(404)
        expect(answer.body).toEqual({
          error: { code: 'ParentResourceNotFound', message: says(names) },
        })
      }
      const list = await arm.get(`galleries/${gallery}/images/none/versions`)
      expect(errorOf(list)).toMatchObject({
        code: 'ParentResourceNotFound',
        message: says(`${gallery}/none`),
      })
    })

    it('SubscriptionNotFound', async () => {
      const none = '/subscriptions/11111111-2222-4333-8444-555555555555'
      for (const path of [
        none,
        `${none}/locations`,
        `${none}/resourceGroups/g`,
        `${none}/resources`,
      ]) {
        const answer = await arm.get(path)
        expect([answer.status, errorOf(answer).code]).toEqual([404, 'SubscriptionNotFound'])
      }
    })

    it('InvalidSubscriptionId, for what is no id of one', async () => {
      const answer = await arm.get('/subscriptions/production/resourceGroups/g')
      expect(answer.status).toBe(400)
      expect(errorOf(answer)).toMatchObject({
        code: 'InvalidSubscriptionId',
        message: "The provided subscription identifier 'production' is malformed or invalid.",
      })
    })

    it('InvalidResourceType, with the api-versions that are served', async () => {
      const answer = await arm.get(`galleries/${gallery}`, '2017-01-01')
      expect(answer.status).toBe(404)
      expect(errorOf(answer)).toMatchObject({
        code: 'InvalidResourceType',
        message: expect.stringMatching(
          /^The resource type 'galleries' could not be found in the namespace 'Microsoft.Compute' for api version '2017-01-01'. The supported api-versions are '2018-06-01,.*,2025-12-03'\.$/,
        ),
      })
    })

    it('types that are not served: what az probes for answers a clean 404', async () => {
      for (const path of [
        'diskAccesses/probe',
        'virtualMachines/probe',
        'virtualMachines/https%3A',
        `galleries/${gallery}/remoteContainerImages/a`,
        '/subscriptions/x/resourceGroups/g/providers/Microsoft.Insights/components/c',
        '/subscriptions/x/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v',
      ]) {
        const answer = await arm.get(
          path.replace('/subscriptions/x', `/subscriptions/${vitrine.subscription}`),
        )
        const code = path.includes('.Network/') ? 'InvalidResourceNamespace' : 'InvalidResourceType'
        expect([path, answer.status, errorOf(answer).code]).toEqual([path, 404, code])
        expect(errorOf(answer).message).not.toContain("''")
      }
    })

    it('NotFound for a path that is none, and for an action that no type has', async () => {
      for (const [method, path] of [
        ['GET', '/Nothing/here'],
        ['GET', `${arm.groupPath}/odd/one`],
        ['POST', `${arm.groupPath}/bake`],
        ['POST', arm.idOf(`galleries/${gallery}/bake`)],
        ['GET', arm.idOf(`galleries/${gallery}/providers/Vitrine.Gallery/nothing`)],
      ] as const) {
        const answer = await arm.ask(method, path, method === 'POST' ? { body: {} } : {})
        expect([path, answer.status, errorOf(answer).code]).toEqual([path, 404, 'NotFound'])
      }
    })
  })

  describe('asks for an api-version', () => {
    const path = `/galleries/${gallery}`
    const raw = async (query: string) => {
      const answer = await vitrine.call('GET', `${arm.idOf('x').slice(0, -2)}${path}${query}`)
      return { status: answer.status, body: await answer.json() }
    }

    it('missing: MissingApiVersionParameter', async () => {
      expect(await raw('')).toEqual({
        status: 400,
        body: {
          error: {
            code: 'MissingApiVersionParameter',
            message:
              'The api-version query parameter (?api-version=) is required for all requests.',
          },
        },
      })
    })

    it.each(['latest', '2024-03', '2024-03-03-beta1', "2024-03-03'"])(
      '%s: InvalidApiVersionParameter',
      async (text) => {
        const answer = await raw(`?api-version=${encodeURIComponent(text)}`)
        expect(answer).toMatchObject({
          status: 400,
          body: { error: { code: 'InvalidApiVersionParameter' } },
        })
      },
    )

    it('its name and that of $-parameters in any case, encoded or not', async () => {
      for (const query of [
        '?API-Version=2024-03-03',
        '?api-version=2024-03-03&%24expand=x&$select=y',
      ]) {
        expect((await raw(query)).status).toBe(200)
      }
    })
  })

  describe('reads paths as ARM does', () => {
    it('case does not count in any segment, and the names stay as they were first sent', async () => {
      const lower = await arm.get(arm.idOf(`galleries/${gallery}`).toLowerCase())
      expect(lower.status).toBe(200)
      expect(lower.body).toMatchObject({ name: gallery, id: arm.idOf(`galleries/${gallery}`) })
      const again = await arm.put(arm.idOf(`galleries/${gallery}`).toUpperCase(), west)
      expect([again.status, again.body.name, again.body.id]).toEqual([
        200,
        gallery,
        arm.idOf(`galleries/${gallery}`),
      ])
    })

    it('ids are told in ARM’s own spelling of the words between the names', async () => {
      const path = arm.idOf('galleries/Spelled').toLowerCase().replace('spelled', 'SpeLLed')
      const made = await arm.put(path, west)
      expect([made.status, made.body.id]).toEqual([201, arm.idOf('galleries/SpeLLed')])
      await arm.remove('galleries/spelled')
    })

    it('doubled slashes and one at the end count once, as az sends them', async () => {
      const double = arm.idOf(`galleries/${gallery}`).replace('Compute/', 'Compute//')
      expect((await arm.get(double)).status).toBe(200)
      expect((await arm.get(`${arm.idOf('galleries')}/`)).status).toBe(200)
      const first = `${vitrine.url}/${arm.idOf('galleries')}?api-version=2024-03-03`
      expect((await vitrine.call('GET', first)).status).toBe(200)
    })

    it('a percent sign that encodes nothing is refused', async () => {
      const answer = await arm.get('galleries/a%zz')
      expect([answer.status, errorOf(answer).code]).toEqual([400, 'BadRequest'])
    })

    it('dotted segments lead nowhere', async () => {
      const answer = await vitrine.call(
        'GET',
        `${arm.groupPath}/%2e%2e%2fother?api-version=2024-03-01`,
      )
      expect(answer.status).toBe(404)
    })

    it('methods that a path does not take', async () => {
      for (const [method, path] of [
        ['POST', 'galleries'],
        ['PUT', 'galleries'],
        ['DELETE', `/subscriptions/${vitrine.subscription}/locations`],
        ['POST', `galleries/${gallery}`],
      ] as const) {
        const answer = await arm.ask(method, path, { body: {} })
        expect([path, answer.status, errorOf(answer).code]).toEqual([path, 405, 'MethodNotAllowed'])
      }
    })
  })

  describe('reads bodies as ARM does', () => {
    const path = 'galleries/bodies'
    const send = async (text: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
      await fetch(`${vitrine.url}${arm.idOf(path)}?api-version=2024-03-03`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${vitrine.token}`, 'content-type': 'application/json' },
        body: text,
      })

    it.each([
      ['malformed', '{"location": '],
      ['a list', '[]'],
      ['a text', '"westeurope"'],
      ['null', 'null'],
      ['not UTF-8', new Uint8Array([0x7b, 0xff, 0x7d])],
      ['nested beyond reason', `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`],
    ])('%s: InvalidRequestContent', async (_, text) => {
      const answer = await send(text)
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ error: { code: 'InvalidRequestContent' } })
    })

    it('over 4 MiB: RequestEntityTooLarge', async () => {
      const answer = await send(
        JSON.stringify({ ...west, tags: { a: 'x'.repeat(4 * 1024 * 1024) } }),
      )
      expect(answer.status).toBe(413)
      expect(await answer.json()).toMatchObject({ error: { code: 'RequestEntityTooLarge' } })
    })

    it('empty: what is required is told', async () => {
      const answer = await send('')
      expect(answer.status).toBe(400)
      expect(await answer.json()).toEqual({
        error: {
          code: 'LocationRequired',
          message: 'The location property is required for this definition.',
          target: 'location',
        },
      })
    })

    it('a byte order mark in front is no part of it', async () => {
      const answer = await send(`\ufeff${JSON.stringify(west)}`)
      expect(answer.status).toBe(201)
    })

    it('wrong types are refused, all at once, each with the path of its field', async () => {
      const answer = await arm.put(`galleries/${gallery}/images/typed`, {
        ...west,
        tags: { a: 1 },
        properties: {
          osType: 7,
          osState: 'Generalized',
          identifier: { publisher: 'p', offer: {}, sku: 's' },
          recommended: { vCPUs: { min: 'many' } },
        },
      })
      expect(answer.status).toBe(400)
      const { code, target, details } = errorOf(answer)
      expect([code, target]).toEqual(['InvalidRequestContent', 'galleryImage.tags.a'])
      expect(details).toMatchObject([
        { target: 'galleryImage.tags.a' },
        { target: 'galleryImage.properties.osType' },
        { target: 'galleryImage.properties.identifier.offer' },
        { target: 'galleryImage.properties.recommended.vCPUs.min' },
      ])
    })

    it('null is absent, numeric strings are numbers, words count in any case, unknown members are ignored', async () => {
      const made = await arm.make(`galleries/${gallery}/images/lenient`, {
        ...west,
        tags: null,
        unknown: { deep: [1] },
        properties: {
          osType: 'linux',
          osState: 'GENERALIZED',
          hyperVGeneration: 'v1',
          architecture: null,
          identifier: { publisher: 'p', offer: 'lenient', sku: 's' },
          recommended: { vCPUs: { min: '1', max: '64' }, memory: null },
          disallowed: {},
          purchasePlan: null,
          endOfLifeDate: '2090-01-01',
          new: 1,
        },
      })
      expect(made).not.toHaveProperty('tags')
      expect(made).not.toHaveProperty('unknown')
      expect(made.properties).toEqual({
        osType: 'Linux',
        osState: 'Generalized',
        hyperVGeneration: 'V1',
        architecture: 'x64',
        identifier: { publisher: 'p', offer: 'lenient', sku: 's' },
        recommended: { vCPUs: { min: 1, max: 64 } },
        endOfLifeDate: '2090-01-01T00:00:00+00:00',
        provisioningState: 'Succeeded',
      })
    })

    it('a word that is none of the allowed ones is refused with the list', async () => {
      const answer = await arm.put(`galleries/${gallery}/images/worded`, {
        ...west,
        properties: {
          osType: 'BeOS',
          osState: 'Generalized',
          identifier: { publisher: 'p', offer: 'worded', sku: 's' },
        },
      })
      expect(errorOf(answer)).toEqual({
        code: 'InvalidParameter',
        message:
          "The value 'BeOS' of parameter osType is not allowed. Allowed values are 'Windows', 'Linux'.",
        target: 'galleryImage.properties.osType',
      })
    })

    it('members with the names of JavaScript’s own are only names', async () => {
      const text =
        '{"location":"westeurope","__proto__":{"tags":{"x":"y"}},"tags":{"__proto__":"a","constructor":"b"}}'
      const answer = await send(text)
      expect([200, 201]).toContain(answer.status)
      expect(JSON.stringify(await answer.json())).toContain('"constructor":"b"')
    })
  })

  describe('says of every answer', () => {
    it('the headers that ARM puts on each', async () => {
      const { headers } = await arm.ask('GET', `galleries/${gallery}`, {
        headers: {
          'x-ms-correlation-request-id': 'abc-123',
          'x-ms-client-request-id': 'mine-7',
          'x-ms-return-client-request-id': 'true',
        },
      })
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-cache',
        pragma: 'no-cache',
        expires: '-1',
        'strict-transport-security': expect.stringContaining('max-age='),
        'x-content-type-options': 'nosniff',
        'x-ms-correlation-request-id': 'abc-123',
        'x-ms-client-request-id': 'mine-7',
        'x-ms-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      })
    })

    it('no client id unless asked for, and none that could not be an id', async () => {
      const { headers } = await arm.ask('GET', 'galleries/none', {
        headers: { 'x-ms-client-request-id': 'mine', 'x-ms-correlation-request-id': 'a b<c>' },
      })
      expect(headers.has('x-ms-client-request-id')).toBe(false)
      expect(headers.get('x-ms-correlation-request-id')).toBe(headers.get('x-ms-request-id'))
      expect(headers.has('retry-after')).toBe(false)
    })
  })
})
