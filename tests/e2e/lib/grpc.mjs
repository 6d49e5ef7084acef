// A gRPC client that knows nothing of TaskRouter: it learns the services by reflection and builds
// its stubs from the descriptors that the server gives. Only the protocols of reflection itself and of
// google.rpc.Status are written down here.
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';

export const { status } = grpc;

// As published by the gRPC project; v1 and v1alpha differ in the package only.
const REFLECTION = (version) => `
  syntax = "proto3";
  package grpc.reflection.${version};
  service ServerReflection {
    rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
  }
  message ServerReflectionRequest {
    string host = 1;
    oneof message_request {
      string file_by_filename = 3;
      string file_containing_symbol = 4;
      string list_services = 7;
    }
  }
  message ServerReflectionResponse {
    string valid_host = 1;
    ServerReflectionRequest original_request = 2;
    oneof message_response {
      FileDescriptorResponse file_descriptor_response = 4;
      ListServiceResponse listServicesResponse = 6;
      ErrorResponse error_response = 7;
    }
  }
  message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
  message ListServiceResponse { repeated ServiceResponse service = 1; }
  message ServiceResponse { string name = 1; }
  message ErrorResponse { int32 error_code = 1; string error_message = 2; }`;

const STATUS = protobuf.parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }`).root;

const DESCRIPTOR = protobuf.parse(`
  syntax = "proto3";
  message FileDescriptorProto { string name = 1; repeated string dependency = 3; }
  message FileDescriptorSet { repeated bytes file = 1; }`).root;

const LOADING = { longs: Number, enums: String, defaults: true, oneofs: true };

// One reflection stream; ask() takes a request and gives the reply to it.
class Reflection {
  constructor(address, version) {
    const json = protobuf.parse(REFLECTION(version)).root.toJSON();
    const definition = grpc.loadPackageDefinition(loader.fromJSON(json, LOADING));
    this.client = new definition.grpc.reflection[version].ServerReflection(
      address,
      grpc.credentials.createInsecure(),
    );
    this.stream = this.client.ServerReflectionInfo({ deadline: Date.now() + 10000 });
    this.waiting = [];
    this.stream.on('data', (reply) => this.waiting.shift()?.resolve(reply));
    this.stream.on('error', (error) => this.waiting.splice(0).forEach((w) => w.reject(error)));
  }

  ask(request) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.stream.write(request);
    });
  }

  close() {
    this.stream.end();
    this.client.close();
  }
}

// What a server says about itself: { services: [names], files: Map of name to descriptor bytes }.
// extra: symbols to fetch beside the services, such as the types of error details.
export async function explore(address, version = 'v1', extra = []) {
  const reflection = new Reflection(address, version);
  try {
    const listed = await reflection.ask({ listServices: '' });
    const services = listed.listServicesResponse.service.map((s) => s.name).sort();
    const files = new Map();
    const take = (reply) => {
      if (reply.errorResponse) throw new Error(reply.errorResponse.errorMessage);
      const missing = [];
      for (const bytes of reply.fileDescriptorResponse.fileDescriptorProto) {
        const file = DESCRIPTOR.lookupType('FileDescriptorProto').decode(bytes);
        files.set(file.name, bytes);
        missing.push(...file.dependency);
      }
      return missing;
    };
    const wanted = [];
    for (const symbol of [...services, ...extra])
      wanted.push(...take(await reflection.ask({ fileContainingSymbol: symbol })));
    for (let name; (name = wanted.pop()) !== undefined;) {
      if (!files.has(name)) wanted.push(...take(await reflection.ask({ fileByFilename: name })));
    }
    const unknown = await reflection.ask({ fileContainingSymbol: 'no.such.Symbol' });
    return { services, files, unknown };
  } finally {
    reflection.close();
  }
}

// What is needed to read an error: the type in grpc-status-details-bin.
export const ERROR_DETAIL = 'taskrouter.common.v1.ErrorDetail';

// Clients of all services of a server, by full name; built from reflection only. Fields keep their
// proto names.
export async function discover(address, version = 'v1') {
  const { services, files } = await explore(address, version, [ERROR_DETAIL]);
  const type = DESCRIPTOR.lookupType('FileDescriptorSet');
  const set = type.encode({ file: [...files.values()] }).finish();
  const definition = loader.loadFileDescriptorSetFromBuffer(Buffer.from(set), LOADING);
  const root = protobuf.Root.fromDescriptor(descriptor.FileDescriptorSet.decode(set));
  const clients = {};
  for (const name of services) {
    const Client = grpc.makeGenericClientConstructor(definition[name], name);
    clients[name] = new Client(address, grpc.credentials.createInsecure());
  }
  return {
    services,
    root,
    definition,
    clients,
    close: () => Object.values(clients).forEach((c) => c.close()),
  };
}

export function metadata(pairs) {
  const md = new grpc.Metadata();
  for (const [name, value] of Object.entries(pairs)) md.set(name, value);
  return md;
}

export const bearer = (token, pairs = {}) => metadata({ authorization: `Bearer ${token}`, ...pairs });

// A unary call; an error is one of grpc-js with `details` decoded from grpc-status-details-bin.
export function call(client, method, request, md = metadata({}), timeoutMs = 20000) {
  return new Promise((resolve, reject) => {
    client[method](request, md, { deadline: Date.now() + timeoutMs }, (error, reply) => {
      if (error) reject(error);
      else resolve(reply);
    });
  });
}

// The code that a call ends with, and its error.
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    if (error.code === undefined) throw error;
    return error;
  }
  throw new Error('the call succeeded');
}

// { code, message, details: [{ type, value }] } of grpc-status-details-bin, or null.
export function richStatus(error) {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  if (bytes === undefined) return null;
  const decoded = STATUS.lookupType('google.rpc.Status').decode(bytes);
  return {
    code: decoded.code,
    message: decoded.message,
    details: decoded.details.map((any) => ({ type: any.typeUrl.split('/').pop(), value: any.value })),
  };
}

// The ErrorDetail of a refused call as the server describes that type, or null.
export function errorDetail(discovered, error) {
  const detail = richStatus(error)?.details.find((d) => d.type === ERROR_DETAIL);
  return detail === undefined ? null : discovered.root.lookupType(ERROR_DETAIL).decode(detail.value).toJSON();
}

// A call of a method that the server has not, by its path.
export function callUnknown(address, path, md) {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const raw = (bytes) => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      raw,
      raw,
      Buffer.alloc(0),
      md,
      { deadline: Date.now() + 10000 },
      (error, reply) => {
        client.close();
        if (error) reject(error);
        else resolve(reply);
      },
    );
  });
}
