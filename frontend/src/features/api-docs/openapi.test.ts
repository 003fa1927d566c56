import { expect, test } from 'vitest';
import { curlOf, type Document, exampleOf, operationsOf, typeName } from './openapi.ts';

const doc: Document = {
  info: { title: 'T', version: '1' },
  servers: [{ url: '/api/v1' }],
  paths: {
    '/things/{id}': {
      parameters: [{ $ref: '#/components/parameters/Id', name: '', in: '' }],
      put: {
        operationId: 'putThing',
        tags: ['things'],
        summary: 'Change',
        requestBody: { $ref: '#/components/requestBodies/ThingBody' },
        responses: {
          '200': {
            description: 'Done',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
        },
      },
    },
  },
  components: {
    parameters: { Id: { name: 'id', in: 'path', required: true, schema: { type: 'string' } } },
    requestBodies: {
      ThingBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } },
    },
    schemas: {
      Thing: {
        type: 'object',
        required: ['name', 'inner'],
        properties: {
          name: { type: 'string', example: "it's" },
          inner: { $ref: '#/components/schemas/Thing' },
          note: { type: 'string' },
        },
      },
    },
  },
};

test('an operation has its references followed', () => {
  const [op] = operationsOf(doc);
  expect(op).toMatchObject({ id: 'putThing', method: 'PUT', path: '/api/v1/things/{id}', open: false });
  expect(op?.parameters).toEqual([{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }]);
  expect(op?.body && typeName(doc, op.body)).toBe('Thing');
  expect(op?.answers[0]).toMatchObject({ status: '200', kinds: ['application/json'] });
});

test('an example ends, though the schema goes round in circles', () => {
  const example = exampleOf(doc, { $ref: '#/components/schemas/Thing' });
  expect(JSON.stringify(example).length).toBeLessThan(1000);
  expect(example).toMatchObject({ name: "it's" });
});

test('the curl line survives quotes in the example', () => {
  const [op] = operationsOf(doc);
  const line = op ? curlOf(doc, op, 'https://vpn.example.com') : '';
  expect(line).toContain('-X PUT');
  expect(line).toContain('"https://vpn.example.com/api/v1/things/$ID"');
  expect(line).toContain("it'\\''s");
});
