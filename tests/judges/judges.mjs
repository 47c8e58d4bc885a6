// Reads messages as JavaScript programs read them. One line of JSON in, {"raw": base64}; one line of JSON out, a reading
// by each judge, {"postal-mime": {...}, ...}, or {"error": "..."} where that judge gave up. Line ends of texts are LF.
// {"calendar": text} is read by ical.js alone.
import { createInterface } from "node:readline";
import { domainToASCII } from "node:url";
import ICAL from "ical.js";
import { simpleParser } from "mailparser";
import nodeIcal from "node-ical";
import PostalMime from "postal-mime";

const MOST_OCCURRENCES = 60;

const lines = (text) => (text || "").replaceAll("\r\n", "\n");
const bare = (address) => address.replace(/^mailto:/i, "");
const mailbox = ({ name, address }) => [name, address];

function part(type, name, content) {
  const bytes = Buffer.from(content);
  const isText = type.startsWith("text/") || type === "application/ics";
  return [type, name ?? "", isText ? lines(bytes.toString("utf8")) : bytes.toString("base64")];
}

async function postalMime(raw) {
  const mail = await PostalMime.parse(raw);
  return {
    sender: mailbox(mail.from),
    to: mail.to.map(mailbox),
    subject: mail.subject,
    message_id: mail.messageId,
    text: lines(mail.text),
    html: lines(mail.html),
    parts: mail.attachments.map((one) => part(one.mimeType, one.filename, one.content)),
    method: mail.attachments.find((one) => one.mimeType === "text/calendar")?.method,
  };
}

async function mailparser(raw) {
  // It shows an international domain in its own letters.
  const mailbox = ({ name, address }) => [name, address.replace(/(?<=@)[^@]*$/, domainToASCII)];
  const mail = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
  return {
    sender: mailbox(mail.from.value[0]),
    to: mail.to.value.map(mailbox),
    subject: mail.subject,
    message_id: mail.messageId,
    text: lines(mail.text),
    html: lines(mail.html),
    parts: mail.attachments.map((one) => part(one.contentType, one.filename, one.content)),
  };
}

// A day is YYYY-MM-DD; a moment is in UTC, with a Z; a moment of no zone has none, and is not one of ours.
function moment(time) {
  if (time.isDate) return time.toString();
  if (time.zone === ICAL.Timezone.localTimezone) return time.toString();
  return time.convertToZone(ICAL.Timezone.utcTimezone).toString();
}

function icalJs(text) {
  const calendar = new ICAL.Component(ICAL.parse(text));
  const entries = calendar.getAllSubcomponents("vevent");
  const entry = entries[0];
  const event = new ICAL.Event(entry);
  const people = (name) =>
    entry.getAllProperties(name).map((one) => [one.getParameter("cn") ?? "", bare(one.getFirstValue())]);
  const occurrences = [];
  const iterator = event.iterator();
  for (let next; occurrences.length < MOST_OCCURRENCES && (next = iterator.next()); ) occurrences.push(moment(next));
  return {
    entries: entries.length,
    method: calendar.getFirstPropertyValue("method"),
    uid: event.uid,
    sequence: event.sequence,
    stamp: moment(entry.getFirstPropertyValue("dtstamp")),
    summary: event.summary,
    location: event.location ?? "",
    description: event.description ?? "",
    status: entry.getFirstPropertyValue("status"),
    start: moment(event.startDate),
    end: moment(event.endDate),
    occurrences,
    organizers: people("organizer"),
    attendees: people("attendee"),
  };
}

function nodeIcalReading(text) {
  const read = nodeIcal.sync.parseICS(text);
  const entries = Object.values(read).filter((one) => one.type === "VEVENT");
  const entry = entries[0];
  const plain = (value) => (typeof value === "object" ? value.val : (value ?? ""));
  const people = (value) =>
    [value ?? []].flat().map((one) => [String(one.params?.CN ?? ""), bare(plain(one))]); // "0" is a number to it
  const pad = (number) => String(number).padStart(2, "0");
  const instant = (date) =>
    date.dateOnly
      ? `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
      : date.toISOString().replace(".000Z", "Z");
  return {
    entries: entries.length,
    method: read.vcalendar.method,
    uid: entry.uid,
    sequence: Number(entry.sequence),
    stamp: instant(entry.dtstamp),
    summary: plain(entry.summary),
    location: plain(entry.location),
    description: plain(entry.description),
    status: entry.status,
    start: instant(entry.start),
    end: instant(entry.end),
    organizers: people(entry.organizer),
    attendees: people(entry.attendee),
  };
}

async function reading(judge, given) {
  try {
    return await judge(given);
  } catch (error) {
    return { error: String(error?.stack ?? error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if ("calendar" in request) {
    const read = await reading(icalJs, request.calendar);
    process.stdout.write(JSON.stringify({ "ical.js": read }) + "\n");
    continue;
  }
  const raw = Buffer.from(request.raw, "base64");
  const mail = await reading(postalMime, raw);
  const calendar = mail.parts?.find(([type]) => type === "text/calendar")?.[2] ?? "";
  const answers = {
    "postal-mime": mail,
    mailparser: await reading(mailparser, raw),
    "ical.js": await reading(icalJs, calendar),
    "node-ical": await reading(nodeIcalReading, calendar),
  };
  process.stdout.write(JSON.stringify(answers) + "\n");
}
