// An SMS gateway on loopback: the SMPP server of node-smpp, and a port where a test says what it
// shall do and asks what it has seen.
//
//   node smsc.js PORT CONTROL [KEY CERTIFICATE]
//
// A POST to the control port holds {"do": ..., ...}; every answer is what was seen, or what came back.
'use strict';
const http = require('http');
const fs = require('fs');
const smpp = require('smpp');

const [port, control, key, cert] = process.argv.slice(2);
const seen = { binds: [], refused: 0, submitted: [], unbound: 0, enquired: 0, nacks: 0 };
const plan = { password: 'hush', statuses: [], receipts: null };
const sessions = new Set();

const hex = (number) => '0x' + number.toString(16).padStart(8, '0');

function binds(session, kind) {
  session.on(kind, (pdu) => {
    if (pdu.system_id !== 'kentongan' || pdu.password !== plan.password) {
      seen.refused += 1;
      return session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
    }
    seen.binds.push(kind);
    session.kind = kind;
    session.send(pdu.response({ system_id: 'smsc' }));
  });
}

function kept(pdu, status) {
  const body = pdu.message_payload || pdu.short_message;
  const { to, from } = { to: pdu.destination_addr, from: pdu.source_addr };
  const udh = (body.udh || []).map((element) => element.toString('hex'));
  const sar = [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum];
  seen.submitted.push({
    to, from, status, udh, sar: sar.filter((n) => n !== undefined),
    text: body.message, ton: pdu.dest_addr_ton, data_coding: pdu.data_coding,
    esm_class: pdu.esm_class, registered: pdu.registered_delivery,
  });
}

// {dialect}: the text of the receipt with {id}; {parameters}: the standard's; {early}: before the answer.
function receipt(pdu, id) {
  const message = plan.receipts;
  if (!message || !pdu.registered_delivery) return;
  const fields = {
    source_addr: pdu.destination_addr, destination_addr: pdu.source_addr,
    esm_class: 4, data_coding: 0, short_message: (message.dialect || '').replace('{id}', id),
  };
  if (message.parameters) {
    Object.assign(fields, { receipted_message_id: id, message_state: message.parameters });
  }
  inwards().deliver_sm(fields);
}

function takes(session, pdu) {
  const id = 'a' + seen.submitted.length;
  const status = plan.statuses.shift() ?? 0;
  kept(pdu, status);
  if (status === 'silent') return;
  if (status === 'cut') return void session.destroy();
  const early = plan.receipts && plan.receipts.early;
  if (early && !status) receipt(pdu, id);
  session.send(pdu.response({ command_status: status, message_id: id }));
  if (!early && !status) receipt(pdu, id);
}

const inwards = () => {
  const open = [...sessions].filter((s) => s.kind && s.kind !== 'bind_transmitter');
  return open.pop();
};

// A text somebody sent; tells the status that it was answered with, or null when it never was.
function text(order, done) {
  const session = inwards();
  if (!session) return done({ status: null });
  const udh = order.udh && Buffer.from(order.udh, 'hex');
  const message = order.hex ? Buffer.from(order.hex, 'hex') : order.text;
  const fields = {
    source_addr_ton: order.ton || 0, source_addr: order.from, destination_addr: '3949',
    data_coding: order.data_coding || 0, esm_class: 0,
    short_message: udh ? { udh, message } : message, ...order.parameters,
  };
  if (order.payload) fields.message_payload = order.payload;
  session.once('close', () => done({ status: null }));
  session.deliver_sm(fields, (answer) => done({ status: hex(answer.command_status) }));
}

const orders = {
  look: (order, done) => done(seen),
  plan: (order, done) => done(Object.assign(plan, order.as)),
  text,
  // Octets as they are.
  raw: (order, done) => {
    const session = inwards();
    session.once('deliver_sm_resp', (answer) => done({ status: hex(answer.command_status) }));
    session.once('close', () => done({ status: null }));
    session.socket.write(Buffer.from(order.hex, 'hex'));
  },
  cut: (order, done) => { sessions.forEach((s) => s.destroy()); done({}); },
  unbind: (order, done) => { sessions.forEach((s) => s.unbind(() => done({}))); },
};

const tls = key ? { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } : {};
const server = smpp.createServer(tls, (session) => {
  session.setMaxListeners(0);
  sessions.add(session);
  session.on('close', () => sessions.delete(session));
  session.on('error', () => session.destroy());
  ['bind_transceiver', 'bind_transmitter', 'bind_receiver'].forEach((kind) => binds(session, kind));
  session.on('submit_sm', (pdu) => takes(session, pdu));
  session.on('enquire_link', (pdu) => { seen.enquired += 1; session.send(pdu.response()); });
  session.on('generic_nack', () => { seen.nacks += 1; });
  session.on('unbind', (pdu) => { seen.unbound += 1; session.send(pdu.response()); session.close(); });
});
server.on('tlsClientError', () => {});
server.listen(Number(port), '127.0.0.1', () => {
  http.createServer((request, response) => {
    let body = '';
    let told = false;
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', () => {
      const order = JSON.parse(body);
      orders[order.do](order, (answer) => {
        if (!told) response.end(JSON.stringify(answer));
        told = true;
      });
    });
  }).listen(Number(control), '127.0.0.1');
});
