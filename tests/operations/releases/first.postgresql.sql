SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.access_staffreading_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF false THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'DELETE on access_staffreading is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.access_staffreading_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on access_staffreading is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.access_staffreading_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
  IF (NEW.user_id ~ '^erased-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$') AND (OLD.user_id NOT LIKE 'erased-%') AND (NEW."id"::text IS NOT DISTINCT FROM OLD."id"::text) AND (NEW."staff"::text IS NOT DISTINCT FROM OLD."staff"::text) AND (NEW."what" = '') AND (NEW."reason" = '') AND (NEW."at"::text IS NOT DISTINCT FROM OLD."at"::text) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'UPDATE on access_staffreading is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $_$;
CREATE FUNCTION public.billing_creditaccount_born() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF NEW.balance <> 0 OR NEW.held <> 0 OR NEW.sequence <> 0 THEN RAISE EXCEPTION 'billing: an account is born empty' USING ERRCODE = 'check_violation'; END IF;

RETURN NEW;
END $$;
CREATE FUNCTION public.billing_creditaccount_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF TRUE THEN RAISE EXCEPTION 'billing: rows are kept as they were made' USING ERRCODE = 'check_violation'; END IF;

RETURN OLD;
END $$;
CREATE FUNCTION public.billing_creditaccount_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on billing_creditaccount is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.billing_creditaccount_proved() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
IF NEW.id <> OLD.id OR (NEW.user_id <> OLD.user_id AND NOT ((NEW.user_id ~ '^erased-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$') AND (OLD.user_id NOT LIKE 'erased-%') AND (NEW."id"::text IS NOT DISTINCT FROM OLD."id"::text) AND (NEW."tier"::text IS NOT DISTINCT FROM OLD."tier"::text) AND (NEW."is_guest"::text IS NOT DISTINCT FROM OLD."is_guest"::text) AND (NEW."balance"::text IS NOT DISTINCT FROM OLD."balance"::text) AND (NEW."held"::text IS NOT DISTINCT FROM OLD."held"::text) AND (NEW."sequence"::text IS NOT DISTINCT FROM OLD."sequence"::text) AND (NEW."max_credits"::text IS NOT DISTINCT FROM OLD."max_credits"::text) AND (NEW."refill_interval_hours"::text IS NOT DISTINCT FROM OLD."refill_interval_hours"::text) AND (NEW."last_refill_at"::text IS NOT DISTINCT FROM OLD."last_refill_at"::text) AND (NEW."next_refill_at"::text IS NOT DISTINCT FROM OLD."next_refill_at"::text) AND (NEW."frozen_at"::text IS NOT DISTINCT FROM OLD."frozen_at"::text))) THEN RAISE EXCEPTION 'billing: an account keeps its person' USING ERRCODE = 'check_violation'; END IF;
IF (NEW.balance <> OLD.balance OR NEW.sequence <> OLD.sequence)
        AND (NEW.sequence <> OLD.sequence + 1
             OR NOT EXISTS (SELECT 1 FROM billing_credittransaction WHERE user_id = NEW.user_id
                            AND sequence = NEW.sequence AND balance_after = NEW.balance)) THEN RAISE EXCEPTION 'billing: a balance changes by an entry alone' USING ERRCODE = 'check_violation'; END IF;
IF NEW.held <> OLD.held AND NEW.held <> (SELECT COALESCE(SUM(amount), 0) FROM billing_credithold
        WHERE user_id = NEW.user_id AND state = 'open') THEN RAISE EXCEPTION 'billing: held credits are the sum of open holds' USING ERRCODE = 'check_violation'; END IF;
RETURN NEW;
END $_$;
CREATE FUNCTION public.billing_credithold_born() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF NEW.state <> 'open' OR NEW.captured_amount <> 0
        OR NOT EXISTS (SELECT 1 FROM billing_creditaccount WHERE user_id = NEW.user_id) THEN RAISE EXCEPTION 'billing: a hold is born open, of an account' USING ERRCODE = 'check_violation'; END IF;

RETURN NEW;
END $$;
CREATE FUNCTION public.billing_credithold_held_at_birth() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN

PERFORM 1 FROM billing_creditaccount WHERE user_id = NEW.user_id FOR NO KEY UPDATE;UPDATE billing_creditaccount SET held = (SELECT COALESCE(SUM(amount), 0) FROM billing_credithold
    WHERE user_id = NEW.user_id AND state = 'open') WHERE user_id = NEW.user_id;
RETURN NEW;
END $$;
CREATE FUNCTION public.billing_credithold_held_at_end() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN

PERFORM 1 FROM billing_creditaccount WHERE user_id = NEW.user_id FOR NO KEY UPDATE;UPDATE billing_creditaccount SET held = (SELECT COALESCE(SUM(amount), 0) FROM billing_credithold
    WHERE user_id = NEW.user_id AND state = 'open') WHERE user_id = NEW.user_id;
RETURN NEW;
END $$;
CREATE FUNCTION public.billing_credithold_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF TRUE THEN RAISE EXCEPTION 'billing: rows are kept as they were made' USING ERRCODE = 'check_violation'; END IF;

RETURN OLD;
END $$;
CREATE FUNCTION public.billing_credithold_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on billing_credithold is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.billing_credithold_once() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
IF (OLD.state <> 'open' OR NEW.state = 'open' OR NEW.id IS DISTINCT FROM OLD.id OR NEW.uid IS DISTINCT FROM OLD.uid OR NEW.user_id IS DISTINCT FROM OLD.user_id OR NEW.amount IS DISTINCT FROM OLD.amount OR NEW.description IS DISTINCT FROM OLD.description OR NEW.actor IS DISTINCT FROM OLD.actor OR NEW.idempotency_key IS DISTINCT FROM OLD.idempotency_key OR NEW.request_hash IS DISTINCT FROM OLD.request_hash OR NEW.expires_at IS DISTINCT FROM OLD.expires_at OR NEW.created_at IS DISTINCT FROM OLD.created_at) AND NOT ((NEW.user_id ~ '^erased-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$') AND (OLD.user_id NOT LIKE 'erased-%') AND (NEW."id"::text IS NOT DISTINCT FROM OLD."id"::text) AND (NEW."uid"::text IS NOT DISTINCT FROM OLD."uid"::text) AND (NEW."amount"::text IS NOT DISTINCT FROM OLD."amount"::text) AND (NEW."captured_amount"::text IS NOT DISTINCT FROM OLD."captured_amount"::text) AND (NEW."state"::text IS NOT DISTINCT FROM OLD."state"::text) AND (NEW."description" = '') AND (NEW."actor"::text IS NOT DISTINCT FROM OLD."actor"::text) AND (NEW."idempotency_key" IS NULL) AND (NEW."request_hash"::text IS NOT DISTINCT FROM OLD."request_hash"::text) AND (NEW."expires_at"::text IS NOT DISTINCT FROM OLD."expires_at"::text) AND (NEW."created_at"::text IS NOT DISTINCT FROM OLD."created_at"::text)) THEN RAISE EXCEPTION 'billing: a hold is resolved once' USING ERRCODE = 'check_violation'; END IF;
RETURN NEW;
END $_$;
CREATE FUNCTION public.billing_credittransaction_apply() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF NOT EXISTS (SELECT 1 FROM billing_creditaccount WHERE user_id = NEW.user_id
        AND sequence = NEW.sequence - 1 AND balance + NEW.amount = NEW.balance_after) THEN RAISE EXCEPTION 'billing: an entry follows its account' USING ERRCODE = 'check_violation'; END IF;
IF NEW.type = 'refund' AND NOT COALESCE(
        (SELECT SUM(amount) FROM billing_credittransaction WHERE user_id = NEW.user_id AND refunds = NEW.refunds)
        <= (SELECT -amount FROM billing_credittransaction WHERE user_id = NEW.user_id AND uid = NEW.refunds
            AND type = 'deduct' AND NOT EXISTS (SELECT 1 FROM billing_ledgercheckpoint AS passed
                WHERE passed.user_id = NEW.user_id AND passed.sequence >= billing_credittransaction.sequence)),
        FALSE) THEN RAISE EXCEPTION 'billing: a refund gives back a charge of the same person, and no more than it took' USING ERRCODE = 'check_violation'; END IF;
IF NEW.hold IS NOT NULL AND NOT EXISTS (SELECT 1 FROM billing_credithold WHERE user_id = NEW.user_id
        AND uid = NEW.hold AND state = 'captured' AND captured_amount = -NEW.amount) THEN RAISE EXCEPTION 'billing: the entry of a hold takes what the hold captured' USING ERRCODE = 'check_violation'; END IF;
UPDATE billing_creditaccount SET balance = NEW.balance_after, sequence = NEW.sequence
    WHERE user_id = NEW.user_id;
RETURN NEW;
END $$;
CREATE FUNCTION public.billing_credittransaction_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF NOT EXISTS (SELECT 1 FROM billing_ledgercheckpoint WHERE user_id = OLD.user_id
        AND sequence >= OLD.sequence) THEN RAISE EXCEPTION 'billing: an entry is removed at or below a checkpoint alone' USING ERRCODE = 'check_violation'; END IF;

RETURN OLD;
END $$;
CREATE FUNCTION public.billing_credittransaction_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on billing_credittransaction is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.billing_credittransaction_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
IF NOT ((NEW.user_id ~ '^erased-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$') AND (OLD.user_id NOT LIKE 'erased-%') AND (NEW."id"::text IS NOT DISTINCT FROM OLD."id"::text) AND (NEW."uid"::text IS NOT DISTINCT FROM OLD."uid"::text) AND (NEW."sequence"::text IS NOT DISTINCT FROM OLD."sequence"::text) AND (NEW."type"::text IS NOT DISTINCT FROM OLD."type"::text) AND (NEW."amount"::text IS NOT DISTINCT FROM OLD."amount"::text) AND (NEW."balance_after"::text IS NOT DISTINCT FROM OLD."balance_after"::text) AND (NEW."description" = '') AND (NEW."metadata"::text = '{}') AND (NEW."refunds"::text IS NOT DISTINCT FROM OLD."refunds"::text) AND (NEW."hold"::text IS NOT DISTINCT FROM OLD."hold"::text) AND (NEW."actor"::text IS NOT DISTINCT FROM OLD."actor"::text) AND (NEW."idempotency_key" IS NULL) AND (NEW."request_hash"::text IS NOT DISTINCT FROM OLD."request_hash"::text) AND (NEW."created_at"::text IS NOT DISTINCT FROM OLD."created_at"::text)) THEN RAISE EXCEPTION 'billing: rows are kept as they were made' USING ERRCODE = 'check_violation'; END IF;
RETURN NEW;
END $_$;
CREATE FUNCTION public.billing_ledgercheckpoint_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF false THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'DELETE on billing_ledgercheckpoint is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.billing_ledgercheckpoint_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on billing_ledgercheckpoint is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.billing_ledgercheckpoint_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
  IF (NEW.user_id ~ '^erased-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$') AND (OLD.user_id NOT LIKE 'erased-%') AND (NEW."id"::text IS NOT DISTINCT FROM OLD."id"::text) AND (NEW."sequence"::text IS NOT DISTINCT FROM OLD."sequence"::text) AND (NEW."balance"::text IS NOT DISTINCT FROM OLD."balance"::text) AND (NEW."digest"::text IS NOT DISTINCT FROM OLD."digest"::text) AND (NEW."archive"::text IS NOT DISTINCT FROM OLD."archive"::text) AND (NEW."created_at"::text IS NOT DISTINCT FROM OLD."created_at"::text) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'UPDATE on billing_ledgercheckpoint is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $_$;
CREATE FUNCTION public.billing_ledgercheckpoint_true() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF NOT EXISTS (SELECT 1 FROM billing_credittransaction WHERE user_id = NEW.user_id
        AND sequence = NEW.sequence AND balance_after = NEW.balance) THEN RAISE EXCEPTION 'billing: a checkpoint says what one of the entries says' USING ERRCODE = 'check_violation'; END IF;

RETURN NEW;
END $$;
CREATE FUNCTION public.billing_usageoverride_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF false THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'DELETE on billing_usageoverride is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.billing_usageoverride_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on billing_usageoverride is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.billing_usageoverride_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
  IF (NEW.user_id ~ '^erased-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$') AND (OLD.user_id NOT LIKE 'erased-%') AND (NEW."id"::text IS NOT DISTINCT FROM OLD."id"::text) AND (NEW."tier"::text IS NOT DISTINCT FROM OLD."tier"::text) AND (NEW."daily_limit"::text IS NOT DISTINCT FROM OLD."daily_limit"::text) AND (NEW."monthly_limit"::text IS NOT DISTINCT FROM OLD."monthly_limit"::text) AND (NEW."reason" = '') AND (NEW."actor"::text IS NOT DISTINCT FROM OLD."actor"::text) AND (NEW."created_at"::text IS NOT DISTINCT FROM OLD."created_at"::text) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'UPDATE on billing_usageoverride is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $_$;
CREATE FUNCTION public.consent_consentchain_born() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF NEW.last_sequence <> 0 OR NEW.last_hash <> '0000000000000000000000000000000000000000000000000000000000000000' THEN RAISE EXCEPTION 'consent: a chain is born empty' USING ERRCODE = 'check_violation'; END IF;

RETURN NEW;
END $$;
CREATE FUNCTION public.consent_consentchain_moved() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
IF (NEW.id <> OLD.id OR NEW.user_id <> OLD.user_id OR NEW.reference <> OLD.reference
        OR NEW.salt IS DISTINCT FROM OLD.salt) AND NOT ((NEW.user_id ~ '^erased-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$') AND (OLD.user_id NOT LIKE 'erased-%') AND (NEW."id"::text IS NOT DISTINCT FROM OLD."id"::text) AND (NEW."salt" IS NULL) AND (NEW."reference"::text IS NOT DISTINCT FROM OLD."reference"::text) AND (NEW."last_sequence"::text IS NOT DISTINCT FROM OLD."last_sequence"::text) AND (NEW."last_hash"::text IS NOT DISTINCT FROM OLD."last_hash"::text)) THEN RAISE EXCEPTION 'consent: a chain keeps its person' USING ERRCODE = 'check_violation'; END IF;
IF (NEW.last_sequence <> OLD.last_sequence OR NEW.last_hash <> OLD.last_hash)
        AND (NEW.last_sequence <> OLD.last_sequence + 1
             OR NOT EXISTS (SELECT 1 FROM consent_consentevent WHERE user_id = NEW.user_id
                            AND sequence = NEW.last_sequence AND hash = NEW.last_hash
                            AND previous_hash = OLD.last_hash)) THEN RAISE EXCEPTION 'consent: a chain moves by an event alone' USING ERRCODE = 'check_violation'; END IF;
RETURN NEW;
END $_$;
CREATE FUNCTION public.consent_consentchain_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF TRUE THEN RAISE EXCEPTION 'consent: rows are kept as they were made' USING ERRCODE = 'check_violation'; END IF;

RETURN OLD;
END $$;
CREATE FUNCTION public.consent_consentchain_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on consent_consentchain is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.consent_consentevent_apply() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF NOT EXISTS (SELECT 1 FROM consent_consentchain WHERE user_id = NEW.user_id
        AND last_sequence = NEW.sequence - 1 AND last_hash = NEW.previous_hash) THEN RAISE EXCEPTION 'consent: an event follows its chain' USING ERRCODE = 'check_violation'; END IF;
IF NEW.policy_version_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM consent_policyversion
        WHERE id = NEW.policy_version_id AND purpose = NEW.purpose
        AND text_sha256 = NEW.text_sha256) THEN RAISE EXCEPTION 'consent: an event names a text of its own purpose' USING ERRCODE = 'check_violation'; END IF;
UPDATE consent_consentchain SET last_sequence = NEW.sequence, last_hash = NEW.hash
    WHERE user_id = NEW.user_id;
    UPDATE consent_consentstate SET granted = NEW.granted, event_id = NEW.id,
        policy_version_id = NEW.policy_version_id, since = CASE WHEN NEW.action = 'expired' THEN NEW.expires_at ELSE NEW.recorded_at END, expires_at = NEW.expires_at
    WHERE user_id = NEW.user_id AND purpose = NEW.purpose;
    INSERT INTO consent_consentstate (user_id, purpose, granted, event_id, policy_version_id, since, expires_at)
    SELECT NEW.user_id, NEW.purpose, NEW.granted, NEW.id, NEW.policy_version_id, CASE WHEN NEW.action = 'expired' THEN NEW.expires_at ELSE NEW.recorded_at END,
        NEW.expires_at
    WHERE NOT EXISTS (SELECT 1 FROM consent_consentstate
                      WHERE user_id = NEW.user_id AND purpose = NEW.purpose);
RETURN NEW;
END $$;
CREATE FUNCTION public.consent_consentevent_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF false THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'DELETE on consent_consentevent is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.consent_consentevent_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on consent_consentevent is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.consent_consentevent_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
  IF (NEW.user_id ~ '^erased-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$') AND (OLD.user_id NOT LIKE 'erased-%') AND (NEW."id"::text IS NOT DISTINCT FROM OLD."id"::text) AND (NEW."uid"::text IS NOT DISTINCT FROM OLD."uid"::text) AND (NEW."sequence"::text IS NOT DISTINCT FROM OLD."sequence"::text) AND (NEW."purpose"::text IS NOT DISTINCT FROM OLD."purpose"::text) AND (NEW."action"::text IS NOT DISTINCT FROM OLD."action"::text) AND (NEW."granted"::text IS NOT DISTINCT FROM OLD."granted"::text) AND (NEW."policy_version_id"::text IS NOT DISTINCT FROM OLD."policy_version_id"::text) AND (NEW."text_sha256"::text IS NOT DISTINCT FROM OLD."text_sha256"::text) AND (NEW."source"::text IS NOT DISTINCT FROM OLD."source"::text) AND (NEW."method"::text IS NOT DISTINCT FROM OLD."method"::text) AND (NEW."actor"::text IS NOT DISTINCT FROM OLD."actor"::text) AND (NEW."reason" = '') AND (NEW."evidence"::text = '{}') AND (NEW."details_hmac"::text IS NOT DISTINCT FROM OLD."details_hmac"::text) AND (NEW."recorded_at"::text IS NOT DISTINCT FROM OLD."recorded_at"::text) AND (NEW."expires_at"::text IS NOT DISTINCT FROM OLD."expires_at"::text) AND (NEW."previous_hash"::text IS NOT DISTINCT FROM OLD."previous_hash"::text) AND (NEW."hash"::text IS NOT DISTINCT FROM OLD."hash"::text) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'UPDATE on consent_consentevent is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $_$;
CREATE FUNCTION public.consent_consentstate_born() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF NOT EXISTS (SELECT 1 FROM consent_consentevent AS said
        WHERE said.id = NEW.event_id AND said.user_id = NEW.user_id AND said.purpose = NEW.purpose
        AND said.granted = NEW.granted
        AND said.policy_version_id IS NOT DISTINCT FROM NEW.policy_version_id
        AND said.expires_at IS NOT DISTINCT FROM NEW.expires_at
        AND NEW.since = CASE WHEN said.action = 'expired' THEN said.expires_at
                        ELSE said.recorded_at END
        AND NOT EXISTS (SELECT 1 FROM consent_consentevent AS later WHERE later.user_id = said.user_id
                        AND later.purpose = said.purpose AND later.sequence > said.sequence)) THEN RAISE EXCEPTION 'consent: a state says what the last event says' USING ERRCODE = 'check_violation'; END IF;

RETURN NEW;
END $$;
CREATE FUNCTION public.consent_consentstate_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF TRUE THEN RAISE EXCEPTION 'consent: rows are kept as they were made' USING ERRCODE = 'check_violation'; END IF;

RETURN OLD;
END $$;
CREATE FUNCTION public.consent_consentstate_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on consent_consentstate is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.consent_consentstate_true() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
IF (NEW.id <> OLD.id OR NOT EXISTS (SELECT 1 FROM consent_consentevent AS said
        WHERE said.id = NEW.event_id AND said.user_id = NEW.user_id AND said.purpose = NEW.purpose
        AND said.granted = NEW.granted
        AND said.policy_version_id IS NOT DISTINCT FROM NEW.policy_version_id
        AND said.expires_at IS NOT DISTINCT FROM NEW.expires_at
        AND NEW.since = CASE WHEN said.action = 'expired' THEN said.expires_at
                        ELSE said.recorded_at END
        AND NOT EXISTS (SELECT 1 FROM consent_consentevent AS later WHERE later.user_id = said.user_id
                        AND later.purpose = said.purpose AND later.sequence > said.sequence))) AND NOT ((NEW.user_id ~ '^erased-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$') AND (OLD.user_id NOT LIKE 'erased-%') AND (NEW."id"::text IS NOT DISTINCT FROM OLD."id"::text) AND (NEW."purpose"::text IS NOT DISTINCT FROM OLD."purpose"::text) AND (NEW."granted"::text IS NOT DISTINCT FROM OLD."granted"::text) AND (NEW."event_id"::text IS NOT DISTINCT FROM OLD."event_id"::text) AND (NEW."policy_version_id"::text IS NOT DISTINCT FROM OLD."policy_version_id"::text) AND (NEW."since"::text IS NOT DISTINCT FROM OLD."since"::text) AND (NEW."expires_at"::text IS NOT DISTINCT FROM OLD."expires_at"::text)) THEN RAISE EXCEPTION 'consent: a state says what the last event says' USING ERRCODE = 'check_violation'; END IF;
RETURN NEW;
END $_$;
CREATE FUNCTION public.consent_policyversion_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF false THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'DELETE on consent_policyversion is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.consent_policyversion_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on consent_policyversion is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.consent_policyversion_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF FALSE THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'UPDATE on consent_policyversion is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.conversations_conversation_held() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF OLD.legal_hold_at IS NOT NULL THEN RAISE EXCEPTION 'conversations: a conversation on legal hold is kept' USING ERRCODE = 'check_violation'; END IF;

RETURN OLD;
END $$;
CREATE FUNCTION public.conversations_message_held() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
IF EXISTS (SELECT 1 FROM conversations_conversation
        WHERE id = OLD.conversation_id AND legal_hold_at IS NOT NULL) THEN RAISE EXCEPTION 'conversations: messages of a conversation on legal hold are kept' USING ERRCODE = 'check_violation'; END IF;

RETURN OLD;
END $$;
CREATE FUNCTION public.guarded_proof_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF false THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'DELETE on guarded_proof is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.guarded_proof_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on guarded_proof is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.guarded_proof_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
  IF (NEW.user_id ~ '^erased-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$') AND (OLD.user_id NOT LIKE 'erased-%') AND (NEW."id"::text IS NOT DISTINCT FROM OLD."id"::text) AND (NEW."sequence"::text IS NOT DISTINCT FROM OLD."sequence"::text) AND (NEW."amount"::text IS NOT DISTINCT FROM OLD."amount"::text) AND (NEW."note" = '') AND (NEW."remark" IS NULL) AND (NEW."details"::text = '{}') AND (NEW."evidence"::text IS NOT DISTINCT FROM OLD."evidence"::text) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'UPDATE on guarded_proof is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $_$;
CREATE FUNCTION public.operations_erasure_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF false THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'DELETE on operations_erasure is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.operations_erasure_no_replace() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on operations_erasure is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.operations_erasure_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF FALSE THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'UPDATE on operations_erasure is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION public.querycache_cacheentry_size() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN INSERT INTO querycache_cachesize (namespace_id, entries, bytes, ttl_seconds) VALUES (NEW.namespace_id, 1, NEW.byte_size, NEW.ttl_seconds);
            ELSIF TG_OP = 'DELETE' THEN INSERT INTO querycache_cachesize (namespace_id, entries, bytes, ttl_seconds) VALUES (OLD.namespace_id, -1, -OLD.byte_size, -OLD.ttl_seconds);
            ELSIF NEW.namespace_id <> OLD.namespace_id THEN INSERT INTO querycache_cachesize (namespace_id, entries, bytes, ttl_seconds) VALUES (OLD.namespace_id, -1, -OLD.byte_size, -OLD.ttl_seconds); INSERT INTO querycache_cachesize (namespace_id, entries, bytes, ttl_seconds) VALUES (NEW.namespace_id, 1, NEW.byte_size, NEW.ttl_seconds);
            ELSIF NEW.byte_size <> OLD.byte_size OR NEW.ttl_seconds <> OLD.ttl_seconds THEN INSERT INTO querycache_cachesize (namespace_id, entries, bytes, ttl_seconds) VALUES (NEW.namespace_id, 0, NEW.byte_size - OLD.byte_size, NEW.ttl_seconds - OLD.ttl_seconds);
            END IF;
            RETURN NULL;
        END $$;
CREATE FUNCTION public.querycache_read(asked_namespace text, asked_owner text, asked_key text, asked_at timestamp with time zone) RETURNS TABLE(namespace_id bigint, epoch integer, sharing text, entry_id bigint, result text, cost_credits bigint, created_at timestamp with time zone, fresh_until timestamp with time zone, lease_token text, lease_epoch integer, lease_created_at timestamp with time zone, lease_expires_at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT n.id, n.epoch, n.sharing::text, e.id, e.result, e.cost_credits, e.created_at,
           e.fresh_until, l.token::text, l.epoch, l.created_at, l.expires_at
      FROM querycache_namespace AS n
      LEFT JOIN querycache_cacheentry AS e
        ON e.owner = CASE n.sharing WHEN 'shared' THEN '' ELSE asked_owner END
       AND e.namespace_id = n.id AND e.key_hash = asked_key
       AND e.epoch = n.epoch AND e.stale_until > asked_at
       AND (e.tags IS NULL OR NOT EXISTS (
            SELECT 1 FROM querycache_cachetag AS t
             WHERE t.namespace_id = e.namespace_id
               AND t.name IN (SELECT json_array_elements_text(e.tags))
               AND t.invalidated_at >= e.created_at))
      LEFT JOIN querycache_cachelease AS l
        ON l.owner = CASE n.sharing WHEN 'shared' THEN '' ELSE asked_owner END
       AND l.namespace_id = n.id AND l.key_hash = asked_key
     WHERE n.name = asked_namespace;
END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.access_apikey (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    prefix character varying(12) NOT NULL,
    key_hash character varying(64) NOT NULL,
    scopes jsonb NOT NULL,
    created_by character varying(150) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone
);
ALTER TABLE public.access_apikey ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.access_apikey_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE UNLOGGED TABLE public.access_requestrate (
    id bigint NOT NULL,
    user_id character varying(128) NOT NULL,
    key_id bigint NOT NULL,
    full_at_micros bigint NOT NULL,
    CONSTRAINT access_requestrate_of_one_caller CHECK (((((user_id)::text = ''::text) OR (key_id = 0)) AND (1 = (
CASE
    WHEN ((user_id)::text = ''::text) THEN 1
    ELSE 0
END +
CASE
    WHEN (key_id = 0) THEN 1
    ELSE 0
END))))
);
ALTER TABLE public.access_requestrate ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.access_requestrate_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.access_staffreading (
    id bigint NOT NULL,
    staff character varying(200) NOT NULL,
    user_id character varying(128) NOT NULL,
    what text NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT access_staffreading_names_who_read CHECK ((NOT ((staff)::text = ''::text))),
    CONSTRAINT access_staffreading_names_whose_texts CHECK ((NOT ((user_id)::text = ''::text)))
);
ALTER TABLE public.access_staffreading ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.access_staffreading_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.auth_group (
    id integer NOT NULL,
    name character varying(150) NOT NULL
);
ALTER TABLE public.auth_group ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.auth_group_permissions (
    id bigint NOT NULL,
    group_id integer NOT NULL,
    permission_id integer NOT NULL
);
ALTER TABLE public.auth_group_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.auth_permission (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    content_type_id integer NOT NULL,
    codename character varying(100) NOT NULL
);
ALTER TABLE public.auth_permission ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_permission_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.auth_user (
    id integer NOT NULL,
    password character varying(128) NOT NULL,
    last_login timestamp with time zone,
    is_superuser boolean NOT NULL,
    username character varying(150) NOT NULL,
    first_name character varying(150) NOT NULL,
    last_name character varying(150) NOT NULL,
    email character varying(254) NOT NULL,
    is_staff boolean NOT NULL,
    is_active boolean NOT NULL,
    date_joined timestamp with time zone NOT NULL
);
CREATE TABLE public.auth_user_groups (
    id bigint NOT NULL,
    user_id integer NOT NULL,
    group_id integer NOT NULL
);
ALTER TABLE public.auth_user_groups ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_user_groups_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.auth_user ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_user_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.auth_user_user_permissions (
    id bigint NOT NULL,
    user_id integer NOT NULL,
    permission_id integer NOT NULL
);
ALTER TABLE public.auth_user_user_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_user_user_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.axes_accessattempt (
    id integer NOT NULL,
    user_agent character varying(255) NOT NULL,
    ip_address inet,
    username character varying(255),
    http_accept character varying(1025) NOT NULL,
    path_info character varying(255) NOT NULL,
    attempt_time timestamp with time zone NOT NULL,
    get_data text NOT NULL,
    post_data text NOT NULL,
    failures_since_start integer NOT NULL,
    CONSTRAINT axes_accessattempt_failures_since_start_check CHECK ((failures_since_start >= 0))
);
ALTER TABLE public.axes_accessattempt ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.axes_accessattempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.axes_accessattemptexpiration (
    access_attempt_id integer NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.axes_accessfailurelog (
    id integer NOT NULL,
    user_agent character varying(255) NOT NULL,
    ip_address inet,
    username character varying(255),
    http_accept character varying(1025) NOT NULL,
    path_info character varying(255) NOT NULL,
    attempt_time timestamp with time zone NOT NULL,
    locked_out boolean NOT NULL
);
ALTER TABLE public.axes_accessfailurelog ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.axes_accessfailurelog_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.axes_accesslog (
    id integer NOT NULL,
    user_agent character varying(255) NOT NULL,
    ip_address inet,
    username character varying(255),
    http_accept character varying(1025) NOT NULL,
    path_info character varying(255) NOT NULL,
    attempt_time timestamp with time zone NOT NULL,
    logout_time timestamp with time zone,
    session_hash character varying(64) NOT NULL
);
ALTER TABLE public.axes_accesslog ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.axes_accesslog_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.billing_creditaccount (
    id bigint NOT NULL,
    user_id character varying(128) NOT NULL,
    tier character varying(50) NOT NULL,
    is_guest boolean NOT NULL,
    balance bigint NOT NULL,
    held bigint NOT NULL,
    sequence bigint NOT NULL,
    max_credits bigint NOT NULL,
    refill_interval_hours integer,
    last_refill_at timestamp with time zone NOT NULL,
    next_refill_at timestamp with time zone,
    frozen_at timestamp with time zone,
    CONSTRAINT billing_account_balance_not_negative CHECK ((balance >= 0)),
    CONSTRAINT billing_account_has_a_person CHECK ((NOT ((user_id)::text = ''::text))),
    CONSTRAINT billing_account_held_not_negative CHECK ((held >= 0)),
    CONSTRAINT billing_account_held_within_balance CHECK ((held <= balance)),
    CONSTRAINT billing_creditaccount_refill_interval_hours_check CHECK ((refill_interval_hours >= 0))
);
ALTER TABLE public.billing_creditaccount ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_creditaccount_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.billing_credithold (
    id bigint NOT NULL,
    uid uuid NOT NULL,
    user_id character varying(128) NOT NULL,
    amount bigint NOT NULL,
    captured_amount bigint NOT NULL,
    state character varying(10) NOT NULL,
    description text NOT NULL,
    actor character varying(200) NOT NULL,
    idempotency_key character varying(255),
    request_hash character varying(64) NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT billing_hold_amount_positive CHECK (((amount >= 1) AND (amount <= '1000000000000000'::bigint))),
    CONSTRAINT billing_hold_captured_within_amount CHECK ((((captured_amount >= 1) AND (captured_amount <= amount) AND ((state)::text = 'captured'::text)) OR ((NOT ((state)::text = 'captured'::text)) AND (captured_amount = 0)))),
    CONSTRAINT billing_hold_state_known CHECK (((state)::text = ANY ((ARRAY['open'::character varying, 'captured'::character varying, 'released'::character varying, 'expired'::character varying])::text[])))
);
ALTER TABLE public.billing_credithold ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_credithold_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.billing_credittransaction (
    id bigint NOT NULL,
    uid uuid NOT NULL,
    user_id character varying(128) NOT NULL,
    sequence bigint NOT NULL,
    type character varying(10) NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    description text NOT NULL,
    metadata json NOT NULL,
    refunds uuid,
    hold uuid,
    actor character varying(200) NOT NULL,
    idempotency_key character varying(300),
    request_hash character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT billing_transaction_adjustment_has_reason_and_actor CHECK (((NOT ((actor)::text = ''::text)) AND ((NOT ((type)::text = 'adjustment'::text)) OR (NOT (description = ''::text)) OR ((user_id)::text ~~ 'erased-%'::text)))),
    CONSTRAINT billing_transaction_amount_bounded CHECK (((amount >= '-1000000000000000'::bigint) AND (amount <= '1000000000000000'::bigint))),
    CONSTRAINT billing_transaction_balance_not_negative CHECK ((balance_after >= 0)),
    CONSTRAINT billing_transaction_hold_is_a_charge CHECK (((hold IS NULL) OR ((type)::text = 'deduct'::text))),
    CONSTRAINT billing_transaction_refund_names_its_original CHECK ((((refunds IS NOT NULL) AND ((type)::text = 'refund'::text)) OR ((NOT ((type)::text = 'refund'::text)) AND (refunds IS NULL)))),
    CONSTRAINT billing_transaction_sequence_from_one CHECK ((sequence >= 1)),
    CONSTRAINT billing_transaction_sign_by_type CHECK ((((amount < 0) AND ((type)::text = 'deduct'::text)) OR (((type)::text = 'adjustment'::text) AND (NOT (amount = 0))) OR ((amount > 0) AND ((type)::text = ANY ((ARRAY['allocate'::character varying, 'reset'::character varying, 'grant'::character varying, 'purchase'::character varying, 'refund'::character varying])::text[])))))
);
ALTER TABLE public.billing_credittransaction ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_credittransaction_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.billing_ledgercheckpoint (
    id bigint NOT NULL,
    user_id character varying(128) NOT NULL,
    sequence bigint NOT NULL,
    balance bigint NOT NULL,
    digest character varying(64) NOT NULL,
    archive text NOT NULL,
    created_at timestamp with time zone NOT NULL
);
ALTER TABLE public.billing_ledgercheckpoint ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_ledgercheckpoint_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.billing_tier (
    id bigint NOT NULL,
    key character varying(50) NOT NULL,
    name character varying(100) NOT NULL,
    daily_limit integer,
    monthly_limit integer,
    credit_allowance bigint NOT NULL,
    refill_interval_hours integer,
    is_default boolean NOT NULL,
    CONSTRAINT billing_tier_allowance_within_an_entry CHECK ((credit_allowance <= '1000000000000000'::bigint)),
    CONSTRAINT billing_tier_credit_allowance_check CHECK ((credit_allowance >= 0)),
    CONSTRAINT billing_tier_daily_limit_check CHECK ((daily_limit >= 0)),
    CONSTRAINT billing_tier_monthly_limit_check CHECK ((monthly_limit >= 0)),
    CONSTRAINT billing_tier_refill_interval_from_one_hour CHECK (((refill_interval_hours IS NULL) OR (refill_interval_hours >= 1))),
    CONSTRAINT billing_tier_refill_interval_hours_check CHECK ((refill_interval_hours >= 0))
);
ALTER TABLE public.billing_tier ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_tier_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.billing_usage (
    id bigint NOT NULL,
    user_id character varying(128) NOT NULL,
    tier character varying(50) NOT NULL,
    daily_used bigint NOT NULL,
    daily_limit bigint,
    monthly_used bigint NOT NULL,
    monthly_limit bigint,
    total_queries bigint NOT NULL,
    last_daily_reset date NOT NULL,
    last_monthly_reset date NOT NULL,
    CONSTRAINT billing_usage_daily_limit_check CHECK ((daily_limit >= 0)),
    CONSTRAINT billing_usage_daily_used_check CHECK ((daily_used >= 0)),
    CONSTRAINT billing_usage_has_a_person CHECK ((NOT ((user_id)::text = ''::text))),
    CONSTRAINT billing_usage_monthly_limit_check CHECK ((monthly_limit >= 0)),
    CONSTRAINT billing_usage_monthly_used_check CHECK ((monthly_used >= 0)),
    CONSTRAINT billing_usage_total_queries_check CHECK ((total_queries >= 0))
);
ALTER TABLE public.billing_usage ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_usage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.billing_usageincrement (
    id bigint NOT NULL,
    user_id character varying(128) NOT NULL,
    idempotency_key character varying(255) NOT NULL,
    request_hash character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL
);
ALTER TABLE public.billing_usageincrement ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_usageincrement_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.billing_usageoverride (
    id bigint NOT NULL,
    user_id character varying(128) NOT NULL,
    tier character varying(50) NOT NULL,
    daily_limit bigint,
    monthly_limit bigint,
    reason text NOT NULL,
    actor character varying(200) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT billing_usageoverride_daily_limit_check CHECK ((daily_limit >= 0)),
    CONSTRAINT billing_usageoverride_has_reason_and_actor CHECK (((NOT ((actor)::text = ''::text)) AND ((NOT (reason = ''::text)) OR ((user_id)::text ~~ 'erased-%'::text)))),
    CONSTRAINT billing_usageoverride_monthly_limit_check CHECK ((monthly_limit >= 0))
);
ALTER TABLE public.billing_usageoverride ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_usageoverride_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.consent_consentchain (
    id bigint NOT NULL,
    user_id character varying(128) NOT NULL,
    salt character varying(64),
    reference character varying(64) NOT NULL,
    last_sequence bigint NOT NULL,
    last_hash character varying(64) NOT NULL,
    CONSTRAINT consent_chain_has_a_person CHECK ((NOT ((user_id)::text = ''::text))),
    CONSTRAINT consent_chain_sequence_not_negative CHECK ((last_sequence >= 0))
);
ALTER TABLE public.consent_consentchain ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.consent_consentchain_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.consent_consentevent (
    id bigint NOT NULL,
    uid uuid NOT NULL,
    user_id character varying(128) NOT NULL,
    sequence bigint NOT NULL,
    action character varying(10) NOT NULL,
    granted boolean NOT NULL,
    text_sha256 character varying(64) NOT NULL,
    source character varying(10) NOT NULL,
    method character varying(50) NOT NULL,
    actor character varying(200) NOT NULL,
    reason text NOT NULL,
    evidence json NOT NULL,
    details_hmac character varying(64) NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    previous_hash character varying(64) NOT NULL,
    hash character varying(64) NOT NULL,
    policy_version_id bigint,
    purpose character varying(50) NOT NULL,
    CONSTRAINT consent_event_action_says_what_is_granted CHECK (((((action)::text = 'given'::text) AND granted) OR (((action)::text = ANY ((ARRAY['refused'::character varying, 'withdrawn'::character varying, 'expired'::character varying])::text[])) AND (NOT granted)) OR ((action)::text = 'imported'::text))),
    CONSTRAINT consent_event_expires_after_it_was_given CHECK ((((expires_at IS NULL) AND granted) OR ((expires_at > recorded_at) AND granted) OR (((action)::text = 'expired'::text) AND (expires_at IS NOT NULL) AND (expires_at <= recorded_at)) OR ((expires_at IS NULL) AND (NOT granted) AND (NOT ((action)::text = 'expired'::text))))),
    CONSTRAINT consent_event_has_source_and_actor CHECK ((((source)::text = ANY ((ARRAY['api'::character varying, 'admin'::character varying, 'import'::character varying, 'system'::character varying])::text[])) AND (NOT ((actor)::text = ''::text)))),
    CONSTRAINT consent_event_hashes_are_sha256 CHECK (((length((previous_hash)::text) = 64) AND (length((hash)::text) = 64))),
    CONSTRAINT consent_event_names_its_text_by_hash CHECK ((((policy_version_id IS NULL) AND ((text_sha256)::text = ''::text)) OR ((policy_version_id IS NOT NULL) AND (length((text_sha256)::text) = 64)))),
    CONSTRAINT consent_event_sequence_from_one CHECK ((sequence >= 1))
);
ALTER TABLE public.consent_consentevent ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.consent_consentevent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.consent_consentstate (
    id bigint NOT NULL,
    user_id character varying(128) NOT NULL,
    granted boolean NOT NULL,
    since timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    event_id bigint NOT NULL,
    policy_version_id bigint,
    purpose character varying(50) NOT NULL
);
ALTER TABLE public.consent_consentstate ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.consent_consentstate_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.consent_policyversion (
    id bigint NOT NULL,
    version integer NOT NULL,
    locale character varying(20) NOT NULL,
    text text NOT NULL,
    text_sha256 character varying(64) NOT NULL,
    material boolean NOT NULL,
    published_at timestamp with time zone NOT NULL,
    purpose character varying(50) NOT NULL,
    CONSTRAINT consent_policyversion_from_one CHECK ((version >= 1)),
    CONSTRAINT consent_policyversion_has_a_text CHECK ((NOT (text = ''::text))),
    CONSTRAINT consent_policyversion_hash_is_sha256 CHECK ((length((text_sha256)::text) = 64)),
    CONSTRAINT consent_policyversion_version_check CHECK ((version >= 0))
);
ALTER TABLE public.consent_policyversion ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.consent_policyversion_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.consent_purpose (
    id bigint NOT NULL,
    key character varying(50) NOT NULL,
    title character varying(200) NOT NULL,
    required boolean NOT NULL,
    default_validity_days integer,
    CONSTRAINT consent_purpose_default_validity_days_check CHECK ((default_validity_days >= 0)),
    CONSTRAINT consent_purpose_has_a_key_of_its_own CHECK (((NOT ((key)::text = ''::text)) AND (NOT ((key)::text = ANY ((ARRAY['as-of'::character varying, 'history'::character varying, 'policies'::character varying, 'query'::character varying])::text[]))))),
    CONSTRAINT consent_purpose_validity_from_one_day CHECK (((default_validity_days IS NULL) OR ((default_validity_days >= 1) AND (default_validity_days <= 36500))))
);
ALTER TABLE public.consent_purpose ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.consent_purpose_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.conversations_conversation (
    id bigint NOT NULL,
    uid uuid NOT NULL,
    user_id character varying(128) NOT NULL,
    title character varying(500) NOT NULL,
    metadata json NOT NULL,
    message_count integer NOT NULL,
    archived_at timestamp with time zone,
    source character varying(10) NOT NULL,
    external_id text NOT NULL,
    extra json NOT NULL,
    idempotency_key character varying(255),
    request_hash character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    search_text text NOT NULL,
    legal_hold_at timestamp with time zone,
    legal_hold_reason text NOT NULL,
    CONSTRAINT conversations_conversation_has_an_owner CHECK ((NOT ((user_id)::text = ''::text))),
    CONSTRAINT conversations_conversation_legal_hold_has_a_reason CHECK ((((legal_hold_at IS NULL) AND (legal_hold_reason = ''::text)) OR ((legal_hold_at IS NOT NULL) AND (NOT (legal_hold_reason = ''::text))))),
    CONSTRAINT conversations_conversation_message_count_check CHECK ((message_count >= 0)),
    CONSTRAINT conversations_conversation_source_known CHECK (((source)::text = ANY ((ARRAY['api'::character varying, 'import'::character varying])::text[])))
);
ALTER TABLE public.conversations_conversation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.conversations_conversation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.conversations_message (
    id bigint NOT NULL,
    uid uuid NOT NULL,
    user_id character varying(128) NOT NULL,
    "position" integer NOT NULL,
    role character varying(10) NOT NULL,
    content text,
    stage1_data json,
    stage2_data json,
    stage3_data json,
    metadata json NOT NULL,
    extra json NOT NULL,
    idempotency_key character varying(255),
    request_hash character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    conversation_id bigint NOT NULL,
    search_text text NOT NULL,
    CONSTRAINT conversations_message_has_an_owner CHECK ((NOT ((user_id)::text = ''::text))),
    CONSTRAINT conversations_message_position_check CHECK (("position" >= 0)),
    CONSTRAINT conversations_message_position_from_one CHECK (("position" >= 1)),
    CONSTRAINT conversations_message_role_known CHECK (((role)::text = ANY ((ARRAY['user'::character varying, 'assistant'::character varying, 'system'::character varying, 'tool'::character varying])::text[])))
);
ALTER TABLE public.conversations_message ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.conversations_message_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.django_admin_log (
    id integer NOT NULL,
    action_time timestamp with time zone NOT NULL,
    object_id text,
    object_repr character varying(200) NOT NULL,
    action_flag smallint NOT NULL,
    change_message text NOT NULL,
    content_type_id integer,
    user_id integer NOT NULL,
    CONSTRAINT django_admin_log_action_flag_check CHECK ((action_flag >= 0))
);
ALTER TABLE public.django_admin_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_admin_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.django_content_type (
    id integer NOT NULL,
    app_label character varying(100) NOT NULL,
    model character varying(100) NOT NULL
);
ALTER TABLE public.django_content_type ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_content_type_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.django_migrations (
    id bigint NOT NULL,
    app character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp with time zone NOT NULL
);
ALTER TABLE public.django_migrations ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_migrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.django_session (
    session_key character varying(40) NOT NULL,
    session_data text NOT NULL,
    expire_date timestamp with time zone NOT NULL
);
CREATE TABLE public.guarded_proof (
    id bigint NOT NULL,
    user_id character varying(128) NOT NULL,
    sequence integer NOT NULL,
    amount integer NOT NULL,
    note text NOT NULL,
    remark text,
    details json NOT NULL,
    evidence json NOT NULL,
    CONSTRAINT guarded_proof_sequence_check CHECK ((sequence >= 0))
);
ALTER TABLE public.guarded_proof ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.guarded_proof_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.operations_erasure (
    id bigint NOT NULL,
    reference character varying(50) NOT NULL,
    counts json NOT NULL,
    actor character varying(200) NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT operations_erasure_names_no_person CHECK (((reference)::text ~~ 'erased-%'::text))
);
ALTER TABLE public.operations_erasure ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.operations_erasure_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.operations_maintenancerun (
    id bigint NOT NULL,
    task character varying(100) NOT NULL,
    started_at timestamp with time zone NOT NULL,
    duration_seconds double precision NOT NULL,
    items bigint NOT NULL,
    error text NOT NULL,
    CONSTRAINT operations_maintenancerun_items_check CHECK ((items >= 0)),
    CONSTRAINT operations_maintenancerun_names_its_task CHECK ((NOT ((task)::text = ''::text)))
);
ALTER TABLE public.operations_maintenancerun ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.operations_maintenancerun_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.querycache_cacheentry (
    id bigint NOT NULL,
    owner character varying(128) NOT NULL,
    key_hash character varying(64) NOT NULL,
    query text NOT NULL,
    context json,
    result text NOT NULL,
    model character varying(200) NOT NULL,
    tags json,
    cost_credits bigint NOT NULL,
    produced_ms integer,
    byte_size integer NOT NULL,
    ttl_seconds integer NOT NULL,
    epoch integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    fresh_until timestamp with time zone NOT NULL,
    stale_until timestamp with time zone NOT NULL,
    namespace_id bigint NOT NULL,
    CONSTRAINT querycache_cacheentry_byte_size_check CHECK ((byte_size >= 0)),
    CONSTRAINT querycache_cacheentry_cost_credits_check CHECK ((cost_credits >= 0)),
    CONSTRAINT querycache_cacheentry_epoch_check CHECK ((epoch >= 0)),
    CONSTRAINT querycache_cacheentry_produced_ms_check CHECK ((produced_ms >= 0)),
    CONSTRAINT querycache_cacheentry_ttl_seconds_check CHECK ((ttl_seconds >= 0)),
    CONSTRAINT querycache_entry_has_a_result CHECK (((NOT (result = ''::text)) AND (byte_size >= 1))),
    CONSTRAINT querycache_entry_of_nobody_keeps_no_query CHECK (((NOT ((owner)::text = ''::text)) OR ((context IS NULL) AND (query = ''::text)))),
    CONSTRAINT querycache_entry_times_follow_each_other CHECK (((fresh_until > created_at) AND (stale_until >= fresh_until)))
);
ALTER TABLE public.querycache_cacheentry ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.querycache_cacheentry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.querycache_cachelease (
    id bigint NOT NULL,
    owner character varying(128) NOT NULL,
    key_hash character varying(64) NOT NULL,
    token character varying(32) NOT NULL,
    query text NOT NULL,
    context json,
    epoch integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    namespace_id bigint NOT NULL,
    CONSTRAINT querycache_cachelease_epoch_check CHECK ((epoch >= 0)),
    CONSTRAINT querycache_lease_of_nobody_keeps_no_query CHECK (((NOT ((owner)::text = ''::text)) OR ((context IS NULL) AND (query = ''::text))))
);
ALTER TABLE public.querycache_cachelease ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.querycache_cachelease_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.querycache_cachesize (
    id bigint NOT NULL,
    entries bigint NOT NULL,
    bytes bigint NOT NULL,
    ttl_seconds bigint NOT NULL,
    namespace_id bigint NOT NULL
);
ALTER TABLE public.querycache_cachesize ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.querycache_cachesize_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.querycache_cachestatistics (
    id bigint NOT NULL,
    hour timestamp with time zone NOT NULL,
    lookups bigint NOT NULL,
    hits bigint NOT NULL,
    stale_hits bigint NOT NULL,
    misses bigint NOT NULL,
    coalesced bigint NOT NULL,
    bypasses bigint NOT NULL,
    stores bigint NOT NULL,
    evictions bigint NOT NULL,
    credits_saved bigint NOT NULL,
    namespace_id bigint NOT NULL,
    CONSTRAINT querycache_cachestatistics_bypasses_check CHECK ((bypasses >= 0)),
    CONSTRAINT querycache_cachestatistics_coalesced_check CHECK ((coalesced >= 0)),
    CONSTRAINT querycache_cachestatistics_credits_saved_check CHECK ((credits_saved >= 0)),
    CONSTRAINT querycache_cachestatistics_evictions_check CHECK ((evictions >= 0)),
    CONSTRAINT querycache_cachestatistics_hits_check CHECK ((hits >= 0)),
    CONSTRAINT querycache_cachestatistics_lookups_check CHECK ((lookups >= 0)),
    CONSTRAINT querycache_cachestatistics_misses_check CHECK ((misses >= 0)),
    CONSTRAINT querycache_cachestatistics_stale_hits_check CHECK ((stale_hits >= 0)),
    CONSTRAINT querycache_cachestatistics_stores_check CHECK ((stores >= 0)),
    CONSTRAINT querycache_statistics_add_up CHECK ((lookups = (((hits + stale_hits) + misses) + bypasses)))
);
ALTER TABLE public.querycache_cachestatistics ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.querycache_cachestatistics_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.querycache_cachetag (
    id bigint NOT NULL,
    name character varying(206) NOT NULL,
    invalidated_at timestamp with time zone NOT NULL,
    namespace_id bigint NOT NULL
);
ALTER TABLE public.querycache_cachetag ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.querycache_cachetag_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.querycache_namespace (
    id bigint NOT NULL,
    name character varying(64) NOT NULL,
    default_ttl_seconds integer NOT NULL,
    stale_seconds integer NOT NULL,
    max_entries integer NOT NULL,
    max_bytes bigint NOT NULL,
    max_entry_bytes integer NOT NULL,
    sharing character varying(10) NOT NULL,
    epoch integer NOT NULL,
    CONSTRAINT querycache_namespace_caps_from_one CHECK (((max_entries >= 1) AND (max_entry_bytes >= 1))),
    CONSTRAINT querycache_namespace_default_ttl_seconds_check CHECK ((default_ttl_seconds >= 0)),
    CONSTRAINT querycache_namespace_epoch_check CHECK ((epoch >= 0)),
    CONSTRAINT querycache_namespace_has_a_name CHECK ((NOT ((name)::text = ''::text))),
    CONSTRAINT querycache_namespace_max_bytes_check CHECK ((max_bytes >= 0)),
    CONSTRAINT querycache_namespace_max_entries_check CHECK ((max_entries >= 0)),
    CONSTRAINT querycache_namespace_max_entry_bytes_check CHECK ((max_entry_bytes >= 0)),
    CONSTRAINT querycache_namespace_sharing_known CHECK (((sharing)::text = ANY ((ARRAY['private'::character varying, 'shared'::character varying])::text[]))),
    CONSTRAINT querycache_namespace_stale_seconds_check CHECK ((stale_seconds >= 0)),
    CONSTRAINT querycache_namespace_takes_its_largest_entry CHECK ((max_entry_bytes <= max_bytes)),
    CONSTRAINT querycache_namespace_times_bounded CHECK (((default_ttl_seconds >= 1) AND (default_ttl_seconds <= 315360000) AND (stale_seconds <= 315360000)))
);
ALTER TABLE public.querycache_namespace ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.querycache_namespace_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO public.access_apikey VALUES (1, 'application', 'ceb779c63124', 'ae80197e3a7d8cfbb448295032d26c2a226b072781994ccfbf1cf13aad7b90b9', '["conversations:read", "conversations:write", "billing:read", "billing:charge", "billing:manage", "consent:read", "consent:write", "cache:read", "cache:write", "cache:manage", "privacy:manage"]', 'system', '2026-11-27 18:23:27.343623+00', '2026-11-27 18:23:28.736746+00', NULL, NULL);
INSERT INTO public.access_requestrate VALUES (1, 'ann', 0, 1795803809079046);
INSERT INTO public.access_staffreading VALUES (1, 'staff:dana', 'ann', 'about quokka', 'wombat', '2026-11-27 18:23:28.072515+00');
INSERT INTO public.access_staffreading VALUES (2, 'staff:dana', 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', '', '', '2026-11-27 18:23:28.431101+00');
INSERT INTO public.auth_permission VALUES (1, 'Can add log entry', 1, 'add_logentry');
INSERT INTO public.auth_permission VALUES (2, 'Can change log entry', 1, 'change_logentry');
INSERT INTO public.auth_permission VALUES (3, 'Can delete log entry', 1, 'delete_logentry');
INSERT INTO public.auth_permission VALUES (4, 'Can view log entry', 1, 'view_logentry');
INSERT INTO public.auth_permission VALUES (5, 'Can add permission', 2, 'add_permission');
INSERT INTO public.auth_permission VALUES (6, 'Can change permission', 2, 'change_permission');
INSERT INTO public.auth_permission VALUES (7, 'Can delete permission', 2, 'delete_permission');
INSERT INTO public.auth_permission VALUES (8, 'Can view permission', 2, 'view_permission');
INSERT INTO public.auth_permission VALUES (9, 'Can add group', 3, 'add_group');
INSERT INTO public.auth_permission VALUES (10, 'Can change group', 3, 'change_group');
INSERT INTO public.auth_permission VALUES (11, 'Can delete group', 3, 'delete_group');
INSERT INTO public.auth_permission VALUES (12, 'Can view group', 3, 'view_group');
INSERT INTO public.auth_permission VALUES (13, 'Can add user', 4, 'add_user');
INSERT INTO public.auth_permission VALUES (14, 'Can change user', 4, 'change_user');
INSERT INTO public.auth_permission VALUES (15, 'Can delete user', 4, 'delete_user');
INSERT INTO public.auth_permission VALUES (16, 'Can view user', 4, 'view_user');
INSERT INTO public.auth_permission VALUES (17, 'Can add content type', 5, 'add_contenttype');
INSERT INTO public.auth_permission VALUES (18, 'Can change content type', 5, 'change_contenttype');
INSERT INTO public.auth_permission VALUES (19, 'Can delete content type', 5, 'delete_contenttype');
INSERT INTO public.auth_permission VALUES (20, 'Can view content type', 5, 'view_contenttype');
INSERT INTO public.auth_permission VALUES (21, 'Can add session', 6, 'add_session');
INSERT INTO public.auth_permission VALUES (22, 'Can change session', 6, 'change_session');
INSERT INTO public.auth_permission VALUES (23, 'Can delete session', 6, 'delete_session');
INSERT INTO public.auth_permission VALUES (24, 'Can view session', 6, 'view_session');
INSERT INTO public.auth_permission VALUES (25, 'Can add access attempt', 7, 'add_accessattempt');
INSERT INTO public.auth_permission VALUES (26, 'Can change access attempt', 7, 'change_accessattempt');
INSERT INTO public.auth_permission VALUES (27, 'Can delete access attempt', 7, 'delete_accessattempt');
INSERT INTO public.auth_permission VALUES (28, 'Can view access attempt', 7, 'view_accessattempt');
INSERT INTO public.auth_permission VALUES (29, 'Can add access log', 8, 'add_accesslog');
INSERT INTO public.auth_permission VALUES (30, 'Can change access log', 8, 'change_accesslog');
INSERT INTO public.auth_permission VALUES (31, 'Can delete access log', 8, 'delete_accesslog');
INSERT INTO public.auth_permission VALUES (32, 'Can view access log', 8, 'view_accesslog');
INSERT INTO public.auth_permission VALUES (33, 'Can add access failure', 9, 'add_accessfailurelog');
INSERT INTO public.auth_permission VALUES (34, 'Can change access failure', 9, 'change_accessfailurelog');
INSERT INTO public.auth_permission VALUES (35, 'Can delete access failure', 9, 'delete_accessfailurelog');
INSERT INTO public.auth_permission VALUES (36, 'Can view access failure', 9, 'view_accessfailurelog');
INSERT INTO public.auth_permission VALUES (37, 'Can add access attempt expiration', 10, 'add_accessattemptexpiration');
INSERT INTO public.auth_permission VALUES (38, 'Can change access attempt expiration', 10, 'change_accessattemptexpiration');
INSERT INTO public.auth_permission VALUES (39, 'Can delete access attempt expiration', 10, 'delete_accessattemptexpiration');
INSERT INTO public.auth_permission VALUES (40, 'Can view access attempt expiration', 10, 'view_accessattemptexpiration');
INSERT INTO public.auth_permission VALUES (41, 'Can add service key', 11, 'add_apikey');
INSERT INTO public.auth_permission VALUES (42, 'Can change service key', 11, 'change_apikey');
INSERT INTO public.auth_permission VALUES (43, 'Can delete service key', 11, 'delete_apikey');
INSERT INTO public.auth_permission VALUES (44, 'Can view service key', 11, 'view_apikey');
INSERT INTO public.auth_permission VALUES (45, 'Can add staff reading', 12, 'add_staffreading');
INSERT INTO public.auth_permission VALUES (46, 'Can change staff reading', 12, 'change_staffreading');
INSERT INTO public.auth_permission VALUES (47, 'Can delete staff reading', 12, 'delete_staffreading');
INSERT INTO public.auth_permission VALUES (48, 'Can view staff reading', 12, 'view_staffreading');
INSERT INTO public.auth_permission VALUES (49, 'Can add request rate', 13, 'add_requestrate');
INSERT INTO public.auth_permission VALUES (50, 'Can change request rate', 13, 'change_requestrate');
INSERT INTO public.auth_permission VALUES (51, 'Can delete request rate', 13, 'delete_requestrate');
INSERT INTO public.auth_permission VALUES (52, 'Can view request rate', 13, 'view_requestrate');
INSERT INTO public.auth_permission VALUES (53, 'Can add credit account', 14, 'add_creditaccount');
INSERT INTO public.auth_permission VALUES (54, 'Can change credit account', 14, 'change_creditaccount');
INSERT INTO public.auth_permission VALUES (55, 'Can delete credit account', 14, 'delete_creditaccount');
INSERT INTO public.auth_permission VALUES (56, 'Can view credit account', 14, 'view_creditaccount');
INSERT INTO public.auth_permission VALUES (57, 'Can move credits, release holds and freeze accounts', 14, 'manage_credits');
INSERT INTO public.auth_permission VALUES (58, 'Can add credit hold', 15, 'add_credithold');
INSERT INTO public.auth_permission VALUES (59, 'Can change credit hold', 15, 'change_credithold');
INSERT INTO public.auth_permission VALUES (60, 'Can delete credit hold', 15, 'delete_credithold');
INSERT INTO public.auth_permission VALUES (61, 'Can view credit hold', 15, 'view_credithold');
INSERT INTO public.auth_permission VALUES (62, 'Can add credit transaction', 16, 'add_credittransaction');
INSERT INTO public.auth_permission VALUES (63, 'Can change credit transaction', 16, 'change_credittransaction');
INSERT INTO public.auth_permission VALUES (64, 'Can delete credit transaction', 16, 'delete_credittransaction');
INSERT INTO public.auth_permission VALUES (65, 'Can view credit transaction', 16, 'view_credittransaction');
INSERT INTO public.auth_permission VALUES (66, 'Can add ledger checkpoint', 17, 'add_ledgercheckpoint');
INSERT INTO public.auth_permission VALUES (67, 'Can change ledger checkpoint', 17, 'change_ledgercheckpoint');
INSERT INTO public.auth_permission VALUES (68, 'Can delete ledger checkpoint', 17, 'delete_ledgercheckpoint');
INSERT INTO public.auth_permission VALUES (69, 'Can view ledger checkpoint', 17, 'view_ledgercheckpoint');
INSERT INTO public.auth_permission VALUES (70, 'Can add tier', 18, 'add_tier');
INSERT INTO public.auth_permission VALUES (71, 'Can change tier', 18, 'change_tier');
INSERT INTO public.auth_permission VALUES (72, 'Can delete tier', 18, 'delete_tier');
INSERT INTO public.auth_permission VALUES (73, 'Can view tier', 18, 'view_tier');
INSERT INTO public.auth_permission VALUES (74, 'Can add usage', 19, 'add_usage');
INSERT INTO public.auth_permission VALUES (75, 'Can change usage', 19, 'change_usage');
INSERT INTO public.auth_permission VALUES (76, 'Can delete usage', 19, 'delete_usage');
INSERT INTO public.auth_permission VALUES (77, 'Can view usage', 19, 'view_usage');
INSERT INTO public.auth_permission VALUES (78, 'Can change a person''s tier and limits', 19, 'manage_usage');
INSERT INTO public.auth_permission VALUES (79, 'Can add usage increment', 20, 'add_usageincrement');
INSERT INTO public.auth_permission VALUES (80, 'Can change usage increment', 20, 'change_usageincrement');
INSERT INTO public.auth_permission VALUES (81, 'Can delete usage increment', 20, 'delete_usageincrement');
INSERT INTO public.auth_permission VALUES (82, 'Can view usage increment', 20, 'view_usageincrement');
INSERT INTO public.auth_permission VALUES (83, 'Can add usage override', 21, 'add_usageoverride');
INSERT INTO public.auth_permission VALUES (84, 'Can change usage override', 21, 'change_usageoverride');
INSERT INTO public.auth_permission VALUES (85, 'Can delete usage override', 21, 'delete_usageoverride');
INSERT INTO public.auth_permission VALUES (86, 'Can view usage override', 21, 'view_usageoverride');
INSERT INTO public.auth_permission VALUES (87, 'Can add policy version', 22, 'add_policyversion');
INSERT INTO public.auth_permission VALUES (88, 'Can change policy version', 22, 'change_policyversion');
INSERT INTO public.auth_permission VALUES (89, 'Can delete policy version', 22, 'delete_policyversion');
INSERT INTO public.auth_permission VALUES (90, 'Can view policy version', 22, 'view_policyversion');
INSERT INTO public.auth_permission VALUES (91, 'Can publish texts', 22, 'publish_policy');
INSERT INTO public.auth_permission VALUES (92, 'Can add consent chain', 23, 'add_consentchain');
INSERT INTO public.auth_permission VALUES (93, 'Can change consent chain', 23, 'change_consentchain');
INSERT INTO public.auth_permission VALUES (94, 'Can delete consent chain', 23, 'delete_consentchain');
INSERT INTO public.auth_permission VALUES (95, 'Can view consent chain', 23, 'view_consentchain');
INSERT INTO public.auth_permission VALUES (96, 'Can add consent event', 24, 'add_consentevent');
INSERT INTO public.auth_permission VALUES (97, 'Can change consent event', 24, 'change_consentevent');
INSERT INTO public.auth_permission VALUES (98, 'Can delete consent event', 24, 'delete_consentevent');
INSERT INTO public.auth_permission VALUES (99, 'Can view consent event', 24, 'view_consentevent');
INSERT INTO public.auth_permission VALUES (100, 'Can record consent on a person''s behalf', 24, 'record_consent');
INSERT INTO public.auth_permission VALUES (101, 'Can add purpose', 25, 'add_purpose');
INSERT INTO public.auth_permission VALUES (102, 'Can change purpose', 25, 'change_purpose');
INSERT INTO public.auth_permission VALUES (103, 'Can delete purpose', 25, 'delete_purpose');
INSERT INTO public.auth_permission VALUES (104, 'Can view purpose', 25, 'view_purpose');
INSERT INTO public.auth_permission VALUES (105, 'Can add consent state', 26, 'add_consentstate');
INSERT INTO public.auth_permission VALUES (106, 'Can change consent state', 26, 'change_consentstate');
INSERT INTO public.auth_permission VALUES (107, 'Can delete consent state', 26, 'delete_consentstate');
INSERT INTO public.auth_permission VALUES (108, 'Can view consent state', 26, 'view_consentstate');
INSERT INTO public.auth_permission VALUES (109, 'Can add namespace', 27, 'add_namespace');
INSERT INTO public.auth_permission VALUES (110, 'Can change namespace', 27, 'change_namespace');
INSERT INTO public.auth_permission VALUES (111, 'Can delete namespace', 27, 'delete_namespace');
INSERT INTO public.auth_permission VALUES (112, 'Can view namespace', 27, 'view_namespace');
INSERT INTO public.auth_permission VALUES (113, 'Can add cache size', 28, 'add_cachesize');
INSERT INTO public.auth_permission VALUES (114, 'Can change cache size', 28, 'change_cachesize');
INSERT INTO public.auth_permission VALUES (115, 'Can delete cache size', 28, 'delete_cachesize');
INSERT INTO public.auth_permission VALUES (116, 'Can view cache size', 28, 'view_cachesize');
INSERT INTO public.auth_permission VALUES (117, 'Can add cache tag', 29, 'add_cachetag');
INSERT INTO public.auth_permission VALUES (118, 'Can change cache tag', 29, 'change_cachetag');
INSERT INTO public.auth_permission VALUES (119, 'Can delete cache tag', 29, 'delete_cachetag');
INSERT INTO public.auth_permission VALUES (120, 'Can view cache tag', 29, 'view_cachetag');
INSERT INTO public.auth_permission VALUES (121, 'Can add cache statistics', 30, 'add_cachestatistics');
INSERT INTO public.auth_permission VALUES (122, 'Can change cache statistics', 30, 'change_cachestatistics');
INSERT INTO public.auth_permission VALUES (123, 'Can delete cache statistics', 30, 'delete_cachestatistics');
INSERT INTO public.auth_permission VALUES (124, 'Can view cache statistics', 30, 'view_cachestatistics');
INSERT INTO public.auth_permission VALUES (125, 'Can add cache lease', 31, 'add_cachelease');
INSERT INTO public.auth_permission VALUES (126, 'Can change cache lease', 31, 'change_cachelease');
INSERT INTO public.auth_permission VALUES (127, 'Can delete cache lease', 31, 'delete_cachelease');
INSERT INTO public.auth_permission VALUES (128, 'Can view cache lease', 31, 'view_cachelease');
INSERT INTO public.auth_permission VALUES (129, 'Can add cache entry', 32, 'add_cacheentry');
INSERT INTO public.auth_permission VALUES (130, 'Can change cache entry', 32, 'change_cacheentry');
INSERT INTO public.auth_permission VALUES (131, 'Can delete cache entry', 32, 'delete_cacheentry');
INSERT INTO public.auth_permission VALUES (132, 'Can view cache entry', 32, 'view_cacheentry');
INSERT INTO public.auth_permission VALUES (133, 'Can read cached texts', 32, 'read_texts');
INSERT INTO public.auth_permission VALUES (134, 'Can add conversation', 33, 'add_conversation');
INSERT INTO public.auth_permission VALUES (135, 'Can change conversation', 33, 'change_conversation');
INSERT INTO public.auth_permission VALUES (136, 'Can delete conversation', 33, 'delete_conversation');
INSERT INTO public.auth_permission VALUES (137, 'Can view conversation', 33, 'view_conversation');
INSERT INTO public.auth_permission VALUES (138, 'Can place and lift legal holds', 33, 'keep_conversation');
INSERT INTO public.auth_permission VALUES (139, 'Can add message', 34, 'add_message');
INSERT INTO public.auth_permission VALUES (140, 'Can change message', 34, 'change_message');
INSERT INTO public.auth_permission VALUES (141, 'Can delete message', 34, 'delete_message');
INSERT INTO public.auth_permission VALUES (142, 'Can view message', 34, 'view_message');
INSERT INTO public.auth_permission VALUES (143, 'Can add erasure', 35, 'add_erasure');
INSERT INTO public.auth_permission VALUES (144, 'Can change erasure', 35, 'change_erasure');
INSERT INTO public.auth_permission VALUES (145, 'Can delete erasure', 35, 'delete_erasure');
INSERT INTO public.auth_permission VALUES (146, 'Can view erasure', 35, 'view_erasure');
INSERT INTO public.auth_permission VALUES (147, 'Can add maintenance run', 36, 'add_maintenancerun');
INSERT INTO public.auth_permission VALUES (148, 'Can change maintenance run', 36, 'change_maintenancerun');
INSERT INTO public.auth_permission VALUES (149, 'Can delete maintenance run', 36, 'delete_maintenancerun');
INSERT INTO public.auth_permission VALUES (150, 'Can view maintenance run', 36, 'view_maintenancerun');
INSERT INTO public.auth_permission VALUES (151, 'Can add proof', 37, 'add_proof');
INSERT INTO public.auth_permission VALUES (152, 'Can change proof', 37, 'change_proof');
INSERT INTO public.auth_permission VALUES (153, 'Can delete proof', 37, 'delete_proof');
INSERT INTO public.auth_permission VALUES (154, 'Can view proof', 37, 'view_proof');
INSERT INTO public.auth_user VALUES (1, '!1YfdQ0tS0iBiRcmJc7KaHyOUzK6IpeBSbDoVfARb', NULL, true, 'root', '', '', '', true, true, '2026-11-27 18:23:27.336131+00');
INSERT INTO public.auth_user VALUES (2, '', NULL, false, 'dana', '', '', '', true, true, '2026-11-27 18:23:28.092958+00');
INSERT INTO public.billing_creditaccount VALUES (1, 'ann', 'free', false, 47, 4, 2, 50, 24, '2026-11-27 18:23:27.919954+00', '2026-11-28 18:23:27.919954+00', NULL);
INSERT INTO public.billing_creditaccount VALUES (3, 'bob', 'free', false, 44, 1, 4, 50, 24, '2026-11-27 18:23:28.509224+00', '2026-11-28 18:23:28.509224+00', NULL);
INSERT INTO public.billing_creditaccount VALUES (2, 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', 'free', false, 47, 4, 2, 50, 24, '2026-11-27 18:23:28.235208+00', '2026-11-28 18:23:28.235208+00', NULL);
INSERT INTO public.billing_credithold VALUES (1, '01a21e3f-80e4-7628-a9ae-80fb212cb650', 'ann', 4, 0, 'open', 'bilby', 'key:application', '3-quokka', 'c4bdd6ae8676cb02dedf0dcd552760ca3e91bd0444676220e91bc0dc1d0a4aa7', '2026-11-27 18:28:27.972379+00', '2026-11-27 18:23:27.972379+00');
INSERT INTO public.billing_credithold VALUES (3, '01a21e3f-8337-77c5-a38f-67800b300f98', 'bob', 5, 3, 'captured', '', 'key:application', NULL, 'afec9ab21bf4927343adb795175104f6d69e716e324e6d409c04eafa56f6a33e', '2026-11-27 18:28:28.567799+00', '2026-11-27 18:23:28.567799+00');
INSERT INTO public.billing_credithold VALUES (4, '01a21e3f-8354-740c-bd05-0a60582fd7cb', 'bob', 1, 0, 'open', '', 'key:application', NULL, '1e0b8e30136d65454e3661af00a89b4ceb6d617cc457109289e0a21b3e3945c7', '2026-11-27 18:28:28.596214+00', '2026-11-27 18:23:28.596214+00');
INSERT INTO public.billing_credithold VALUES (2, '01a21e3f-820d-73c2-b329-0e244983dcd9', 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', 4, 0, 'open', '', 'key:application', NULL, 'c4bdd6ae8676cb02dedf0dcd552760ca3e91bd0444676220e91bc0dc1d0a4aa7', '2026-11-27 18:28:28.269477+00', '2026-11-27 18:23:28.269477+00');
INSERT INTO public.billing_credittransaction VALUES (2, '01a21e3f-80b0-7697-b4a4-e461a4912d90', 'ann', 2, 'deduct', -3, 47, 'bilby', '{"of":"potoroo"}', NULL, NULL, 'key:application', '2-quokka', 'd7e0126ecb0aa435f8ac97c58a4d129312d70fabbf8f5820fa661a296b69adb3', '2026-11-27 18:23:27.919954+00');
INSERT INTO public.billing_credittransaction VALUES (5, '01a21e3f-8311-75b3-aaea-7314931ba4f3', 'bob', 1, 'allocate', 50, 50, 'First allowance of the tier free', '{}', NULL, NULL, 'system', NULL, '', '2026-11-27 18:23:28.509224+00');
INSERT INTO public.billing_credittransaction VALUES (6, '01a21e3f-82fd-739d-8330-6d246ba60d99', 'bob', 2, 'deduct', -5, 45, 'd', '{}', NULL, NULL, 'key:application', 'b1', '7623b67a6e2581985a27824a238846197ac83b1db0b0b42a259d880773125bb9', '2026-11-27 18:23:28.509224+00');
INSERT INTO public.billing_credittransaction VALUES (7, '01a21e3f-8327-72c6-88f8-8849151fbb57', 'bob', 3, 'refund', 2, 47, '', '{}', '01a21e3f-82fd-739d-8330-6d246ba60d99', NULL, 'key:application', NULL, 'f14aa7bf5cb8951853587af47ac687d5393a3ff01e59464d07075bc0e72b511c', '2026-11-27 18:23:28.548016+00');
INSERT INTO public.billing_credittransaction VALUES (8, '01a21e3f-8341-7526-87e7-27e2808e5bfb', 'bob', 4, 'deduct', -3, 44, '', '{}', NULL, '01a21e3f-8337-77c5-a38f-67800b300f98', 'key:application', NULL, '22545dff3fe83a370d81d2c03f4e0403049883212106ca4a6b040823bd09d004', '2026-11-27 18:23:28.575666+00');
INSERT INTO public.billing_credittransaction VALUES (4, '01a21e3f-81eb-74c6-b11c-7a8e35f95f47', 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', 2, 'deduct', -3, 47, '', '{}', NULL, NULL, 'key:application', NULL, 'd7e0126ecb0aa435f8ac97c58a4d129312d70fabbf8f5820fa661a296b69adb3', '2026-11-27 18:23:28.235208+00');
INSERT INTO public.billing_ledgercheckpoint VALUES (1, 'ann', 1, 50, '0000000000000000000000000000000000000000000000000000000000000000', 'a.jsonl', '2026-11-27 18:23:28.074333+00');
INSERT INTO public.billing_ledgercheckpoint VALUES (2, 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', 1, 50, '0000000000000000000000000000000000000000000000000000000000000000', 'a.jsonl', '2026-11-27 18:23:28.448363+00');
INSERT INTO public.billing_tier VALUES (1, 'guest', 'Guest', 10, 100, 10, NULL, false);
INSERT INTO public.billing_tier VALUES (2, 'free', 'Free', 10, 100, 50, 24, true);
INSERT INTO public.billing_tier VALUES (3, 'pro', 'Pro', 100, 3000, 50, 24, false);
INSERT INTO public.billing_tier VALUES (4, 'enterprise', 'Enterprise', NULL, NULL, 50, 24, false);
INSERT INTO public.billing_usage VALUES (1, 'ann', 'free', 2, 7, 2, 100, 2, '2026-11-27', '2026-11-01');
INSERT INTO public.billing_usage VALUES (3, 'bob', 'free', 2, 10, 2, 100, 2, '2026-11-27', '2026-11-01');
INSERT INTO public.billing_usageincrement VALUES (1, 'ann', '1-quokka', '7703614576ec1cfcb17e67bdd44adaf8acb72c06b9092a0f99fd61726f1f6689', '2026-11-27 18:23:27.864302+00');
INSERT INTO public.billing_usageincrement VALUES (3, 'bob', 'b3', '7703614576ec1cfcb17e67bdd44adaf8acb72c06b9092a0f99fd61726f1f6689', '2026-11-27 18:23:28.634227+00');
INSERT INTO public.billing_usageoverride VALUES (1, 'ann', 'free', 7, 100, 'dunnart', 'key:application', '2026-11-27 18:23:27.982491+00');
INSERT INTO public.billing_usageoverride VALUES (2, 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', 'free', 7, 100, '', 'key:application', '2026-11-27 18:23:28.281982+00');
INSERT INTO public.consent_consentchain VALUES (1, 'ann', '2a4fee4cab4593ad26737b24b09fa7a84dd6d0011e26672028aa4accf5b32370', '9914166c561cc9a3393ef15a34d25115304c73cea731de8e3992d7e2f9ba09c6', 2, '3603396f3f35f36619244d5ec7a7ec93d3be8a47368e29b71c61c18a58374ca4');
INSERT INTO public.consent_consentchain VALUES (3, 'bob', '1be9bb7542990c161c44eddd81518fc31f27611cf4204d5093351b7b60d70801', '2222deb784a55869a106d87e0b0f2e3e7bd5ec58986593e7cbdabdb7b215e9c2', 2, 'c6806968b45ba8761087d6cbaae1fe275573ad3d187ee8cc694f1c0159bd5719');
INSERT INTO public.consent_consentchain VALUES (2, 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', NULL, '331a738c601b5b733aa5cd42eb6da249f42939d3f493b65fa39427f1457a1cf2', 2, 'db4e26c82014cd1e8bf4b87e23bbac1c03773762f05beee9d39d8d958e1245e0');
INSERT INTO public.consent_consentevent VALUES (1, '01a21e3f-810f-704b-851f-61fb090fea5c', 'ann', 1, 'given', true, '5499befb38dbf3fcc08107141cb2a9e7f42a6aae403361dc3601b8296d7967ea', 'api', '', 'key:application', '', '{"page":"wombat"}', '0d1755dc3973aad85688c50a308b489fe90d7fc6fe1051f2c92acb59ad0b0486', '2026-11-27 18:23:28.000355+00', NULL, '0000000000000000000000000000000000000000000000000000000000000000', '2a175426c55c6d9f0e4c15189f499082caf5188b1938621ae2f774a0c5f41f2a', 1, 'terms');
INSERT INTO public.consent_consentevent VALUES (2, '01a21e3f-8126-7403-812d-32291899c9af', 'ann', 2, 'refused', false, '', 'api', '', 'key:application', '', '{}', '', '2026-11-27 18:23:28.02547+00', NULL, '2a175426c55c6d9f0e4c15189f499082caf5188b1938621ae2f774a0c5f41f2a', '3603396f3f35f36619244d5ec7a7ec93d3be8a47368e29b71c61c18a58374ca4', NULL, 'marketing');
INSERT INTO public.consent_consentevent VALUES (5, '01a21e3f-83bb-7729-8423-db584d104c7d', 'bob', 1, 'given', true, '', 'api', '', 'key:application', '', '{}', '', '2026-11-27 18:23:28.670098+00', NULL, '0000000000000000000000000000000000000000000000000000000000000000', '1ed24499aaad1928a6e832808776bd97866bc4fe2a25712d64480bb092161474', NULL, 'marketing');
INSERT INTO public.consent_consentevent VALUES (6, '01a21e3f-83dc-76a9-85f1-f1481231e942', 'bob', 2, 'withdrawn', false, '', 'api', '', 'key:application', '', '{}', '', '2026-11-27 18:23:28.711477+00', NULL, '1ed24499aaad1928a6e832808776bd97866bc4fe2a25712d64480bb092161474', 'c6806968b45ba8761087d6cbaae1fe275573ad3d187ee8cc694f1c0159bd5719', NULL, 'marketing');
INSERT INTO public.consent_consentevent VALUES (3, '01a21e3f-8243-746f-b997-84b8002ea1a2', 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', 1, 'given', true, '5499befb38dbf3fcc08107141cb2a9e7f42a6aae403361dc3601b8296d7967ea', 'api', '', 'key:application', '', '{}', 'fa8d50aa70bed739ea58531dc93054a1cfdf6be49f3a572a9e5413e58487bb68', '2026-11-27 18:23:28.299786+00', NULL, '0000000000000000000000000000000000000000000000000000000000000000', '79207ef37b101b91f8885a73c1b5a31350adba82f18b789e0cbfc696bc75a9bd', 1, 'terms');
INSERT INTO public.consent_consentevent VALUES (4, '01a21e3f-8273-75b0-913c-39e814abcecd', 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', 2, 'refused', false, '', 'api', '', 'key:application', '', '{}', '', '2026-11-27 18:23:28.342941+00', NULL, '79207ef37b101b91f8885a73c1b5a31350adba82f18b789e0cbfc696bc75a9bd', 'db4e26c82014cd1e8bf4b87e23bbac1c03773762f05beee9d39d8d958e1245e0', NULL, 'marketing');
INSERT INTO public.consent_consentstate VALUES (1, 'ann', true, '2026-11-27 18:23:28.000355+00', NULL, 1, 1, 'terms');
INSERT INTO public.consent_consentstate VALUES (2, 'ann', false, '2026-11-27 18:23:28.02547+00', NULL, 2, NULL, 'marketing');
INSERT INTO public.consent_consentstate VALUES (5, 'bob', false, '2026-11-27 18:23:28.711477+00', NULL, 6, NULL, 'marketing');
INSERT INTO public.consent_consentstate VALUES (4, 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', false, '2026-11-27 18:23:28.342941+00', NULL, 4, NULL, 'marketing');
INSERT INTO public.consent_consentstate VALUES (3, 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', true, '2026-11-27 18:23:28.299786+00', NULL, 3, 1, 'terms');
INSERT INTO public.consent_policyversion VALUES (1, 1, 'en', 'Be kind.', '5499befb38dbf3fcc08107141cb2a9e7f42a6aae403361dc3601b8296d7967ea', false, '2026-11-27 18:23:27.356503+00', 'terms');
INSERT INTO public.consent_policyversion VALUES (2, 1, 'en', 'We keep it.', 'ed8a08c00fce2520415566e7b3dfc72fc8f645daa5e40e49b3c52a568dfff036', false, '2026-11-27 18:23:27.356503+00', 'privacy');
INSERT INTO public.consent_purpose VALUES (1, 'terms', 'Terms of use', true, NULL);
INSERT INTO public.consent_purpose VALUES (2, 'privacy', 'Privacy policy', true, NULL);
INSERT INTO public.consent_purpose VALUES (3, 'marketing', 'Marketing messages', false, NULL);
INSERT INTO public.consent_purpose VALUES (4, 'history_storage', 'Keeping conversations', false, NULL);
INSERT INTO public.consent_purpose VALUES (5, 'shared_cache', 'Sharing answers with others', false, NULL);
INSERT INTO public.consent_purpose VALUES (6, 'training_use', 'Use of conversations for training', false, NULL);
INSERT INTO public.conversations_conversation VALUES (1, '01a21e3f-801b-70b5-a6d3-4b8068286546', 'ann', 'About quokka', '{"topic":"wombat"}', 2, NULL, 'api', '', '{}', '0-quokka', '0b7e6a864120be35d4235e9fc18fb9d8e2b4b6e86c896acba953a6210754ca2e', '2026-11-27 18:23:27.771087+00', '2026-11-27 18:23:27.771087+00', 'about quokka', NULL, '');
INSERT INTO public.conversations_conversation VALUES (3, '01a21e3f-8364-73be-8281-c4dcb0e46547', 'bob', 'Cold', '{"b":1.0,"a":[null]}', 1, NULL, 'api', '', '{}', 'b2', '80978aa5cba479c94f1136f82177c9454eea390474505e81e5ced993fef9578e', '2026-11-27 18:23:28.611992+00', '2026-11-27 18:23:28.611992+00', 'cold', NULL, '');
INSERT INTO public.conversations_message VALUES (1, '01a21e3f-8027-744d-9c4f-a65f8af7c17a', 'ann', 1, 'user', 'Is a quokka shy?', NULL, NULL, NULL, '{}', '{}', NULL, '', '2026-11-27 18:23:27.771087+00', 1, 'is a quokka shy');
INSERT INTO public.conversations_message VALUES (2, '01a21e3f-8027-744d-9c4f-a660f6d01060', 'ann', 2, 'assistant', NULL, '[{"model":"m","response":"numbat"}]', NULL, NULL, '{}', '{}', NULL, '', '2026-11-27 18:23:27.771087+00', 1, 'numbat');
INSERT INTO public.conversations_message VALUES (5, '01a21e3f-8364-73be-8281-c4dd0ec212ee', 'bob', 1, 'user', 'Why is ice cold?', NULL, NULL, NULL, '{}', '{}', NULL, '', '2026-11-27 18:23:28.611992+00', 3, 'why is ice cold');
INSERT INTO public.django_admin_log VALUES (1, '2026-11-27 18:23:28.097065+00', '1', '#1 ann', 2, 'Granted. Reason: dunnart of ann', 14, 2);
INSERT INTO public.django_admin_log VALUES (2, '2026-11-27 18:23:28.457555+00', '2', '', 2, '', 14, 2);
INSERT INTO public.django_content_type VALUES (1, 'admin', 'logentry');
INSERT INTO public.django_content_type VALUES (2, 'auth', 'permission');
INSERT INTO public.django_content_type VALUES (3, 'auth', 'group');
INSERT INTO public.django_content_type VALUES (4, 'auth', 'user');
INSERT INTO public.django_content_type VALUES (5, 'contenttypes', 'contenttype');
INSERT INTO public.django_content_type VALUES (6, 'sessions', 'session');
INSERT INTO public.django_content_type VALUES (7, 'axes', 'accessattempt');
INSERT INTO public.django_content_type VALUES (8, 'axes', 'accesslog');
INSERT INTO public.django_content_type VALUES (9, 'axes', 'accessfailurelog');
INSERT INTO public.django_content_type VALUES (10, 'axes', 'accessattemptexpiration');
INSERT INTO public.django_content_type VALUES (11, 'access', 'apikey');
INSERT INTO public.django_content_type VALUES (12, 'access', 'staffreading');
INSERT INTO public.django_content_type VALUES (13, 'access', 'requestrate');
INSERT INTO public.django_content_type VALUES (14, 'billing', 'creditaccount');
INSERT INTO public.django_content_type VALUES (15, 'billing', 'credithold');
INSERT INTO public.django_content_type VALUES (16, 'billing', 'credittransaction');
INSERT INTO public.django_content_type VALUES (17, 'billing', 'ledgercheckpoint');
INSERT INTO public.django_content_type VALUES (18, 'billing', 'tier');
INSERT INTO public.django_content_type VALUES (19, 'billing', 'usage');
INSERT INTO public.django_content_type VALUES (20, 'billing', 'usageincrement');
INSERT INTO public.django_content_type VALUES (21, 'billing', 'usageoverride');
INSERT INTO public.django_content_type VALUES (22, 'consent', 'policyversion');
INSERT INTO public.django_content_type VALUES (23, 'consent', 'consentchain');
INSERT INTO public.django_content_type VALUES (24, 'consent', 'consentevent');
INSERT INTO public.django_content_type VALUES (25, 'consent', 'purpose');
INSERT INTO public.django_content_type VALUES (26, 'consent', 'consentstate');
INSERT INTO public.django_content_type VALUES (27, 'querycache', 'namespace');
INSERT INTO public.django_content_type VALUES (28, 'querycache', 'cachesize');
INSERT INTO public.django_content_type VALUES (29, 'querycache', 'cachetag');
INSERT INTO public.django_content_type VALUES (30, 'querycache', 'cachestatistics');
INSERT INTO public.django_content_type VALUES (31, 'querycache', 'cachelease');
INSERT INTO public.django_content_type VALUES (32, 'querycache', 'cacheentry');
INSERT INTO public.django_content_type VALUES (33, 'conversations', 'conversation');
INSERT INTO public.django_content_type VALUES (34, 'conversations', 'message');
INSERT INTO public.django_content_type VALUES (35, 'operations', 'erasure');
INSERT INTO public.django_content_type VALUES (36, 'operations', 'maintenancerun');
INSERT INTO public.django_content_type VALUES (37, 'guarded', 'proof');
INSERT INTO public.django_migrations VALUES (1, 'access', '0001_initial', '2026-11-27 18:23:23.34915+00');
INSERT INTO public.django_migrations VALUES (2, 'access', '0002_staff_reading', '2026-11-27 18:23:23.375518+00');
INSERT INTO public.django_migrations VALUES (3, 'access', '0003_request_rate', '2026-11-27 18:23:23.394165+00');
INSERT INTO public.django_migrations VALUES (4, 'access', '0004_key_found_by_its_hash', '2026-11-27 18:23:23.410537+00');
INSERT INTO public.django_migrations VALUES (5, 'contenttypes', '0001_initial', '2026-11-27 18:23:23.42339+00');
INSERT INTO public.django_migrations VALUES (6, 'auth', '0001_initial', '2026-11-27 18:23:23.563544+00');
INSERT INTO public.django_migrations VALUES (7, 'admin', '0001_initial', '2026-11-27 18:23:23.591487+00');
INSERT INTO public.django_migrations VALUES (8, 'admin', '0002_logentry_remove_auto_add', '2026-11-27 18:23:23.599175+00');
INSERT INTO public.django_migrations VALUES (9, 'admin', '0003_logentry_add_action_flag_choices', '2026-11-27 18:23:23.636608+00');
INSERT INTO public.django_migrations VALUES (10, 'contenttypes', '0002_remove_content_type_name', '2026-11-27 18:23:23.705579+00');
INSERT INTO public.django_migrations VALUES (11, 'auth', '0002_alter_permission_name_max_length', '2026-11-27 18:23:23.725069+00');
INSERT INTO public.django_migrations VALUES (12, 'auth', '0003_alter_user_email_max_length', '2026-11-27 18:23:23.741609+00');
INSERT INTO public.django_migrations VALUES (13, 'auth', '0004_alter_user_username_opts', '2026-11-27 18:23:23.746913+00');
INSERT INTO public.django_migrations VALUES (14, 'auth', '0005_alter_user_last_login_null', '2026-11-27 18:23:23.778577+00');
INSERT INTO public.django_migrations VALUES (15, 'auth', '0006_require_contenttypes_0002', '2026-11-27 18:23:23.779014+00');
INSERT INTO public.django_migrations VALUES (16, 'auth', '0007_alter_validators_add_error_messages', '2026-11-27 18:23:23.783141+00');
INSERT INTO public.django_migrations VALUES (17, 'auth', '0008_alter_user_username_max_length', '2026-11-27 18:23:23.837526+00');
INSERT INTO public.django_migrations VALUES (18, 'auth', '0009_alter_user_last_name_max_length', '2026-11-27 18:23:23.870144+00');
INSERT INTO public.django_migrations VALUES (19, 'auth', '0010_alter_group_name_max_length', '2026-11-27 18:23:23.919462+00');
INSERT INTO public.django_migrations VALUES (20, 'auth', '0011_update_proxy_permissions', '2026-11-27 18:23:23.944359+00');
INSERT INTO public.django_migrations VALUES (21, 'auth', '0012_alter_user_first_name_max_length', '2026-11-27 18:23:23.983573+00');
INSERT INTO public.django_migrations VALUES (22, 'axes', '0001_initial', '2026-11-27 18:23:23.992955+00');
INSERT INTO public.django_migrations VALUES (23, 'axes', '0002_auto_20151217_2044', '2026-11-27 18:23:24.077643+00');
INSERT INTO public.django_migrations VALUES (24, 'axes', '0003_auto_20160322_0929', '2026-11-27 18:23:24.110454+00');
INSERT INTO public.django_migrations VALUES (25, 'axes', '0004_auto_20181024_1538', '2026-11-27 18:23:24.165636+00');
INSERT INTO public.django_migrations VALUES (26, 'axes', '0005_remove_accessattempt_trusted', '2026-11-27 18:23:24.173648+00');
INSERT INTO public.django_migrations VALUES (27, 'axes', '0006_remove_accesslog_trusted', '2026-11-27 18:23:24.189469+00');
INSERT INTO public.django_migrations VALUES (28, 'axes', '0007_alter_accessattempt_unique_together', '2026-11-27 18:23:24.23571+00');
INSERT INTO public.django_migrations VALUES (29, 'axes', '0008_accessfailurelog', '2026-11-27 18:23:24.267608+00');
INSERT INTO public.django_migrations VALUES (30, 'axes', '0009_add_session_hash', '2026-11-27 18:23:24.27316+00');
INSERT INTO public.django_migrations VALUES (31, 'axes', '0010_accessattemptexpiration', '2026-11-27 18:23:24.29161+00');
INSERT INTO public.django_migrations VALUES (32, 'billing', '0001_initial', '2026-11-27 18:23:24.461411+00');
INSERT INTO public.django_migrations VALUES (33, 'billing', '0002_staff_permissions', '2026-11-27 18:23:24.485945+00');
INSERT INTO public.django_migrations VALUES (34, 'billing', '0003_tier_allowance_bounded', '2026-11-27 18:23:24.50254+00');
INSERT INTO public.django_migrations VALUES (35, 'consent', '0001_initial', '2026-11-27 18:23:24.995853+00');
INSERT INTO public.django_migrations VALUES (36, 'conversations', '0001_initial', '2026-11-27 18:23:25.036961+00');
INSERT INTO public.django_migrations VALUES (37, 'conversations', '0002_search', '2026-11-27 18:23:25.227639+00');
INSERT INTO public.django_migrations VALUES (38, 'conversations', '0003_legal_hold', '2026-11-27 18:23:25.294262+00');
INSERT INTO public.django_migrations VALUES (39, 'guarded', '0001_initial', '2026-11-27 18:23:25.307588+00');
INSERT INTO public.django_migrations VALUES (40, 'operations', '0001_erasure', '2026-11-27 18:23:25.321929+00');
INSERT INTO public.django_migrations VALUES (41, 'operations', '0002_maintenance_run', '2026-11-27 18:23:25.326858+00');
INSERT INTO public.django_migrations VALUES (42, 'querycache', '0001_initial', '2026-11-27 18:23:25.565131+00');
INSERT INTO public.django_migrations VALUES (43, 'querycache', '0002_read_function', '2026-11-27 18:23:25.708782+00');
INSERT INTO public.django_migrations VALUES (44, 'sessions', '0001_initial', '2026-11-27 18:23:25.739621+00');
INSERT INTO public.guarded_proof VALUES (1, 'ann', 1, 1, 'numbat', NULL, '{}', '{}');
INSERT INTO public.guarded_proof VALUES (2, 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', 1, 1, '', NULL, '{}', '{}');
INSERT INTO public.operations_erasure VALUES (1, 'erased-83de0fdd-1be3-487d-8157-651c3d1cfbed', '{"erased":{"conversations.message":2,"conversations.conversation":1,"querycache.cache_lease":1,"querycache.cache_entry":1,"billing.usage_increment":1,"billing.usage":1,"access.request_rate":1},"kept":{"admin.log_entry":1,"billing.credit_hold":1,"billing.credit_account":1,"consent.consent_chain":1,"access.staff_reading":1,"billing.usage_override":1,"billing.credit_transaction":1,"billing.ledger_checkpoint":1,"consent.consent_event":2,"consent.consent_state":2,"guarded.proof":1}}', 'key:application', '2026-11-27 18:23:27.356503+00');
INSERT INTO public.operations_maintenancerun VALUES (1, 'access.request_rates', '2026-11-27 18:23:28.936315+00', 0.004, 0, '');
INSERT INTO public.operations_maintenancerun VALUES (2, 'access.unused_keys', '2026-11-27 18:23:28.943499+00', 0.001, 0, '');
INSERT INTO public.operations_maintenancerun VALUES (3, 'billing.holds', '2026-11-27 18:23:28.945809+00', 0.001, 0, '');
INSERT INTO public.operations_maintenancerun VALUES (4, 'billing.increments', '2026-11-27 18:23:28.947075+00', 0.009, 0, '');
INSERT INTO public.operations_maintenancerun VALUES (5, 'consent.expired', '2026-11-27 18:23:28.956159+00', 0.001, 0, '');
INSERT INTO public.operations_maintenancerun VALUES (6, 'conversations.retention', '2026-11-27 18:23:28.959564+00', 0, 0, '');
INSERT INTO public.operations_maintenancerun VALUES (7, 'operations.analyze', '2026-11-27 18:23:28.964764+00', 0.053, 40, '');
INSERT INTO public.operations_maintenancerun VALUES (8, 'operations.runs', '2026-11-27 18:23:29.018611+00', 0.006, 0, '');
INSERT INTO public.operations_maintenancerun VALUES (9, 'querycache.entries', '2026-11-27 18:23:29.024708+00', 0.017, 0, '');
INSERT INTO public.operations_maintenancerun VALUES (10, 'querycache.leases', '2026-11-27 18:23:29.042509+00', 0.005, 0, '');
INSERT INTO public.operations_maintenancerun VALUES (11, 'querycache.tags', '2026-11-27 18:23:29.055452+00', 0.005, 0, '');
INSERT INTO public.querycache_cacheentry VALUES (1, 'ann', '72a2816b71731ca8716b33e3a089c7eb62f142826e40ba68ff7af290a0b38985', 'Is a quokka shy?', '{"of":"wombat"}', '{"text":"numbat"}', '', NULL, 0, NULL, 48, 3600, 0, '2026-11-27 18:23:28.042988+00', '2026-11-27 19:23:28.064145+00', '2026-11-27 19:23:28.064145+00', 1);
INSERT INTO public.querycache_cachelease VALUES (1, 'ann', '72a2816b71731ca8716b33e3a089c7eb62f142826e40ba68ff7af290a0b38985', 'cdd6f2c5b8c5a2177f479f07bcea2f20', 'Is a quokka shy?', '{"of":"wombat"}', 0, '2026-11-27 18:23:28.042988+00', '2026-11-27 18:23:28.064145+00', 1);
INSERT INTO public.querycache_cachesize VALUES (1, 1, 48, 3600, 1);
INSERT INTO public.querycache_cachestatistics VALUES (1, '2026-11-27 18:00:00+00', 2, 0, 0, 2, 0, 0, 2, 0, 0, 1);
INSERT INTO public.querycache_cachetag VALUES (1, 'tag:old', '2026-11-27 18:23:28.747816+00', 1);
INSERT INTO public.querycache_namespace VALUES (1, 'default', 3600, 0, 100000, 1073741824, 1048576, 'private', 0);
SELECT pg_catalog.setval('public.access_apikey_id_seq', 1, true);
SELECT pg_catalog.setval('public.access_requestrate_id_seq', 2, true);
SELECT pg_catalog.setval('public.access_staffreading_id_seq', 2, true);
SELECT pg_catalog.setval('public.auth_group_id_seq', 1, false);
SELECT pg_catalog.setval('public.auth_group_permissions_id_seq', 1, false);
SELECT pg_catalog.setval('public.auth_permission_id_seq', 154, true);
SELECT pg_catalog.setval('public.auth_user_groups_id_seq', 1, false);
SELECT pg_catalog.setval('public.auth_user_id_seq', 2, true);
SELECT pg_catalog.setval('public.auth_user_user_permissions_id_seq', 1, false);
SELECT pg_catalog.setval('public.axes_accessattempt_id_seq', 1, false);
SELECT pg_catalog.setval('public.axes_accessfailurelog_id_seq', 1, false);
SELECT pg_catalog.setval('public.axes_accesslog_id_seq', 1, false);
SELECT pg_catalog.setval('public.billing_creditaccount_id_seq', 3, true);
SELECT pg_catalog.setval('public.billing_credithold_id_seq', 4, true);
SELECT pg_catalog.setval('public.billing_credittransaction_id_seq', 8, true);
SELECT pg_catalog.setval('public.billing_ledgercheckpoint_id_seq', 2, true);
SELECT pg_catalog.setval('public.billing_tier_id_seq', 4, true);
SELECT pg_catalog.setval('public.billing_usage_id_seq', 3, true);
SELECT pg_catalog.setval('public.billing_usageincrement_id_seq', 3, true);
SELECT pg_catalog.setval('public.billing_usageoverride_id_seq', 2, true);
SELECT pg_catalog.setval('public.consent_consentchain_id_seq', 3, true);
SELECT pg_catalog.setval('public.consent_consentevent_id_seq', 6, true);
SELECT pg_catalog.setval('public.consent_consentstate_id_seq', 5, true);
SELECT pg_catalog.setval('public.consent_policyversion_id_seq', 2, true);
SELECT pg_catalog.setval('public.consent_purpose_id_seq', 6, true);
SELECT pg_catalog.setval('public.conversations_conversation_id_seq', 3, true);
SELECT pg_catalog.setval('public.conversations_message_id_seq', 5, true);
SELECT pg_catalog.setval('public.django_admin_log_id_seq', 2, true);
SELECT pg_catalog.setval('public.django_content_type_id_seq', 37, true);
SELECT pg_catalog.setval('public.django_migrations_id_seq', 44, true);
SELECT pg_catalog.setval('public.guarded_proof_id_seq', 2, true);
SELECT pg_catalog.setval('public.operations_erasure_id_seq', 1, true);
SELECT pg_catalog.setval('public.operations_maintenancerun_id_seq', 11, true);
SELECT pg_catalog.setval('public.querycache_cacheentry_id_seq', 2, true);
SELECT pg_catalog.setval('public.querycache_cachelease_id_seq', 2, true);
SELECT pg_catalog.setval('public.querycache_cachesize_id_seq', 3, true);
SELECT pg_catalog.setval('public.querycache_cachestatistics_id_seq', 1, true);
SELECT pg_catalog.setval('public.querycache_cachetag_id_seq', 1, true);
SELECT pg_catalog.setval('public.querycache_namespace_id_seq', 1, true);
ALTER TABLE ONLY public.access_apikey
    ADD CONSTRAINT access_apikey_key_hash_532b10fb_uniq UNIQUE (key_hash);
ALTER TABLE ONLY public.access_apikey
    ADD CONSTRAINT access_apikey_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.access_apikey
    ADD CONSTRAINT access_apikey_prefix_key UNIQUE (prefix);
ALTER TABLE ONLY public.access_requestrate
    ADD CONSTRAINT access_requestrate_once_per_caller UNIQUE (user_id, key_id);
ALTER TABLE ONLY public.access_requestrate
    ADD CONSTRAINT access_requestrate_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.access_staffreading
    ADD CONSTRAINT access_staffreading_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_name_key UNIQUE (name);
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_permission_id_0cd325b0_uniq UNIQUE (group_id, permission_id);
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_codename_01ab375a_uniq UNIQUE (content_type_id, codename);
ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_user_id_group_id_94350c0c_uniq UNIQUE (user_id, group_id);
ALTER TABLE ONLY public.auth_user
    ADD CONSTRAINT auth_user_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_user_id_permission_id_14a6b632_uniq UNIQUE (user_id, permission_id);
ALTER TABLE ONLY public.auth_user
    ADD CONSTRAINT auth_user_username_key UNIQUE (username);
ALTER TABLE ONLY public.axes_accessattempt
    ADD CONSTRAINT axes_accessattempt_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.axes_accessattempt
    ADD CONSTRAINT axes_accessattempt_username_ip_address_user_agent_8ea22282_uniq UNIQUE (username, ip_address, user_agent);
ALTER TABLE ONLY public.axes_accessattemptexpiration
    ADD CONSTRAINT axes_accessattemptexpiration_pkey PRIMARY KEY (access_attempt_id);
ALTER TABLE ONLY public.axes_accessfailurelog
    ADD CONSTRAINT axes_accessfailurelog_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.axes_accesslog
    ADD CONSTRAINT axes_accesslog_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.billing_ledgercheckpoint
    ADD CONSTRAINT billing_checkpoint_sequence_unique UNIQUE (user_id, sequence);
ALTER TABLE ONLY public.billing_creditaccount
    ADD CONSTRAINT billing_creditaccount_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.billing_creditaccount
    ADD CONSTRAINT billing_creditaccount_user_id_key UNIQUE (user_id);
ALTER TABLE ONLY public.billing_credithold
    ADD CONSTRAINT billing_credithold_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.billing_credittransaction
    ADD CONSTRAINT billing_credittransaction_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.billing_credithold
    ADD CONSTRAINT billing_hold_id_unique UNIQUE (user_id, uid);
ALTER TABLE ONLY public.billing_credithold
    ADD CONSTRAINT billing_hold_key_unique UNIQUE (user_id, idempotency_key);
ALTER TABLE ONLY public.billing_ledgercheckpoint
    ADD CONSTRAINT billing_ledgercheckpoint_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.billing_tier
    ADD CONSTRAINT billing_tier_key_key UNIQUE (key);
ALTER TABLE ONLY public.billing_tier
    ADD CONSTRAINT billing_tier_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.billing_credittransaction
    ADD CONSTRAINT billing_transaction_id_unique UNIQUE (user_id, uid);
ALTER TABLE ONLY public.billing_credittransaction
    ADD CONSTRAINT billing_transaction_key_unique UNIQUE (user_id, idempotency_key);
ALTER TABLE ONLY public.billing_credittransaction
    ADD CONSTRAINT billing_transaction_one_for_a_hold UNIQUE (user_id, hold);
ALTER TABLE ONLY public.billing_credittransaction
    ADD CONSTRAINT billing_transaction_sequence_unique UNIQUE (user_id, sequence);
ALTER TABLE ONLY public.billing_usage
    ADD CONSTRAINT billing_usage_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.billing_usage
    ADD CONSTRAINT billing_usage_user_id_key UNIQUE (user_id);
ALTER TABLE ONLY public.billing_usageincrement
    ADD CONSTRAINT billing_usageincrement_key_once UNIQUE (user_id, idempotency_key);
ALTER TABLE ONLY public.billing_usageincrement
    ADD CONSTRAINT billing_usageincrement_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.billing_usageoverride
    ADD CONSTRAINT billing_usageoverride_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.consent_consentchain
    ADD CONSTRAINT consent_consentchain_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.consent_consentchain
    ADD CONSTRAINT consent_consentchain_user_id_key UNIQUE (user_id);
ALTER TABLE ONLY public.consent_consentevent
    ADD CONSTRAINT consent_consentevent_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.consent_consentstate
    ADD CONSTRAINT consent_consentstate_event_id_key UNIQUE (event_id);
ALTER TABLE ONLY public.consent_consentstate
    ADD CONSTRAINT consent_consentstate_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.consent_consentevent
    ADD CONSTRAINT consent_event_id_unique UNIQUE (user_id, uid);
ALTER TABLE ONLY public.consent_consentevent
    ADD CONSTRAINT consent_event_sequence_unique UNIQUE (user_id, sequence);
ALTER TABLE ONLY public.consent_policyversion
    ADD CONSTRAINT consent_policyversion_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.consent_policyversion
    ADD CONSTRAINT consent_policyversion_unique UNIQUE (purpose, locale, version);
ALTER TABLE ONLY public.consent_purpose
    ADD CONSTRAINT consent_purpose_key_key UNIQUE (key);
ALTER TABLE ONLY public.consent_purpose
    ADD CONSTRAINT consent_purpose_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.consent_consentstate
    ADD CONSTRAINT consent_state_one_for_a_purpose UNIQUE (user_id, purpose);
ALTER TABLE ONLY public.conversations_conversation
    ADD CONSTRAINT conversations_conversation_id_unique_for_owner UNIQUE (user_id, uid);
ALTER TABLE ONLY public.conversations_conversation
    ADD CONSTRAINT conversations_conversation_key_unique_for_owner UNIQUE (user_id, idempotency_key);
ALTER TABLE ONLY public.conversations_conversation
    ADD CONSTRAINT conversations_conversation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.conversations_message
    ADD CONSTRAINT conversations_message_id_unique_for_owner UNIQUE (user_id, uid);
ALTER TABLE ONLY public.conversations_message
    ADD CONSTRAINT conversations_message_key_unique_for_owner UNIQUE (user_id, idempotency_key);
ALTER TABLE ONLY public.conversations_message
    ADD CONSTRAINT conversations_message_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.conversations_message
    ADD CONSTRAINT conversations_message_position_unique_in_conversation UNIQUE (user_id, conversation_id, "position");
ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_app_label_model_76bd3d3b_uniq UNIQUE (app_label, model);
ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.django_migrations
    ADD CONSTRAINT django_migrations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.django_session
    ADD CONSTRAINT django_session_pkey PRIMARY KEY (session_key);
ALTER TABLE ONLY public.guarded_proof
    ADD CONSTRAINT guarded_proof_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.guarded_proof
    ADD CONSTRAINT guarded_proof_sequence_unique UNIQUE (user_id, sequence);
ALTER TABLE ONLY public.operations_erasure
    ADD CONSTRAINT operations_erasure_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.operations_erasure
    ADD CONSTRAINT operations_erasure_reference_key UNIQUE (reference);
ALTER TABLE ONLY public.operations_maintenancerun
    ADD CONSTRAINT operations_maintenancerun_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.querycache_cacheentry
    ADD CONSTRAINT querycache_cacheentry_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.querycache_cachelease
    ADD CONSTRAINT querycache_cachelease_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.querycache_cachesize
    ADD CONSTRAINT querycache_cachesize_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.querycache_cachestatistics
    ADD CONSTRAINT querycache_cachestatistics_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.querycache_cachetag
    ADD CONSTRAINT querycache_cachetag_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.querycache_cacheentry
    ADD CONSTRAINT querycache_entry_one_for_a_key UNIQUE (owner, namespace_id, key_hash);
ALTER TABLE ONLY public.querycache_cachelease
    ADD CONSTRAINT querycache_lease_one_for_a_key UNIQUE (owner, namespace_id, key_hash);
ALTER TABLE ONLY public.querycache_namespace
    ADD CONSTRAINT querycache_namespace_name_key UNIQUE (name);
ALTER TABLE ONLY public.querycache_namespace
    ADD CONSTRAINT querycache_namespace_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.querycache_cachestatistics
    ADD CONSTRAINT querycache_statistics_one_for_an_hour UNIQUE (namespace_id, hour);
ALTER TABLE ONLY public.querycache_cachetag
    ADD CONSTRAINT querycache_tag_once_in_a_namespace UNIQUE (namespace_id, name);
CREATE INDEX access_apikey_key_hash_532b10fb_like ON public.access_apikey USING btree (key_hash varchar_pattern_ops);
CREATE UNIQUE INDEX access_apikey_name_unique_among_unrevoked ON public.access_apikey USING btree (name) WHERE (revoked_at IS NULL);
CREATE INDEX access_apikey_prefix_775b29fa_like ON public.access_apikey USING btree (prefix varchar_pattern_ops);
CREATE INDEX auth_group_name_a6ea08ec_like ON public.auth_group USING btree (name varchar_pattern_ops);
CREATE INDEX auth_group_permissions_group_id_b120cbf9 ON public.auth_group_permissions USING btree (group_id);
CREATE INDEX auth_group_permissions_permission_id_84c5c92e ON public.auth_group_permissions USING btree (permission_id);
CREATE INDEX auth_permission_content_type_id_2f476e4b ON public.auth_permission USING btree (content_type_id);
CREATE INDEX auth_user_groups_group_id_97559544 ON public.auth_user_groups USING btree (group_id);
CREATE INDEX auth_user_groups_user_id_6a12ed8b ON public.auth_user_groups USING btree (user_id);
CREATE INDEX auth_user_user_permissions_permission_id_1fbb5f2c ON public.auth_user_user_permissions USING btree (permission_id);
CREATE INDEX auth_user_user_permissions_user_id_a95ead1b ON public.auth_user_user_permissions USING btree (user_id);
CREATE INDEX auth_user_username_6821ab7c_like ON public.auth_user USING btree (username varchar_pattern_ops);
CREATE INDEX axes_accessattempt_ip_address_10922d9c ON public.axes_accessattempt USING btree (ip_address);
CREATE INDEX axes_accessattempt_user_agent_ad89678b ON public.axes_accessattempt USING btree (user_agent);
CREATE INDEX axes_accessattempt_user_agent_ad89678b_like ON public.axes_accessattempt USING btree (user_agent varchar_pattern_ops);
CREATE INDEX axes_accessattempt_username_3f2d4ca0 ON public.axes_accessattempt USING btree (username);
CREATE INDEX axes_accessattempt_username_3f2d4ca0_like ON public.axes_accessattempt USING btree (username varchar_pattern_ops);
CREATE INDEX axes_accessfailurelog_ip_address_2e9f5a7f ON public.axes_accessfailurelog USING btree (ip_address);
CREATE INDEX axes_accessfailurelog_user_agent_ea145dda ON public.axes_accessfailurelog USING btree (user_agent);
CREATE INDEX axes_accessfailurelog_user_agent_ea145dda_like ON public.axes_accessfailurelog USING btree (user_agent varchar_pattern_ops);
CREATE INDEX axes_accessfailurelog_username_a8b7e8a4 ON public.axes_accessfailurelog USING btree (username);
CREATE INDEX axes_accessfailurelog_username_a8b7e8a4_like ON public.axes_accessfailurelog USING btree (username varchar_pattern_ops);
CREATE INDEX axes_accesslog_ip_address_86b417e5 ON public.axes_accesslog USING btree (ip_address);
CREATE INDEX axes_accesslog_user_agent_0e659004 ON public.axes_accesslog USING btree (user_agent);
CREATE INDEX axes_accesslog_user_agent_0e659004_like ON public.axes_accesslog USING btree (user_agent varchar_pattern_ops);
CREATE INDEX axes_accesslog_username_df93064b ON public.axes_accesslog USING btree (username);
CREATE INDEX axes_accesslog_username_df93064b_like ON public.axes_accesslog USING btree (username varchar_pattern_ops);
CREATE INDEX billing_creditaccount_user_id_777f1343_like ON public.billing_creditaccount USING btree (user_id varchar_pattern_ops);
CREATE INDEX billing_hold_due ON public.billing_credithold USING btree (expires_at) WHERE ((state)::text = 'open'::text);
CREATE INDEX billing_hold_open ON public.billing_credithold USING btree (user_id, expires_at) WHERE ((state)::text = 'open'::text);
CREATE INDEX billing_refunds ON public.billing_credittransaction USING btree (user_id, refunds) WHERE (refunds IS NOT NULL);
CREATE INDEX billing_tier_key_7cdad60e_like ON public.billing_tier USING btree (key varchar_pattern_ops);
CREATE UNIQUE INDEX billing_tier_one_default ON public.billing_tier USING btree (is_default) WHERE is_default;
CREATE INDEX billing_transaction_time ON public.billing_credittransaction USING btree (user_id, created_at);
CREATE INDEX billing_transaction_type ON public.billing_credittransaction USING btree (user_id, type, sequence DESC);
CREATE INDEX billing_usage_user_id_03345c19_like ON public.billing_usage USING btree (user_id varchar_pattern_ops);
CREATE INDEX billing_usageincrement_created_at_ad8c5583 ON public.billing_usageincrement USING btree (created_at);
CREATE INDEX cacheentry_age ON public.querycache_cacheentry USING btree (namespace_id, epoch, created_at);
CREATE INDEX cacheentry_expiry ON public.querycache_cacheentry USING btree (namespace_id, stale_until);
CREATE INDEX consent_consentchain_user_id_649dae48_like ON public.consent_consentchain USING btree (user_id varchar_pattern_ops);
CREATE INDEX consent_consentevent_policy_version_id_2db37967 ON public.consent_consentevent USING btree (policy_version_id);
CREATE INDEX consent_consentstate_policy_version_id_15bc0cfa ON public.consent_consentstate USING btree (policy_version_id);
CREATE INDEX consent_event_of_purpose ON public.consent_consentevent USING btree (user_id, purpose, sequence DESC);
CREATE INDEX consent_event_time ON public.consent_consentevent USING btree (recorded_at);
CREATE INDEX consent_purpose_key_f58087db_like ON public.consent_purpose USING btree (key varchar_pattern_ops);
CREATE INDEX consent_state_expires ON public.consent_consentstate USING btree (expires_at) WHERE granted;
CREATE INDEX conversation_created ON public.conversations_conversation USING btree (user_id, created_at DESC, id DESC);
CREATE INDEX conversation_held ON public.conversations_conversation USING btree (user_id) WHERE (legal_hold_at IS NOT NULL);
CREATE INDEX conversation_updated ON public.conversations_conversation USING btree (user_id, updated_at DESC, id DESC);
CREATE INDEX conversations_conversation_words ON public.conversations_conversation USING gin (((string_to_array(search_text, ' '::text) || ('='::text || (user_id)::text))));
CREATE INDEX conversations_message_conversation_id_f1a2d5e9 ON public.conversations_message USING btree (conversation_id);
CREATE INDEX conversations_message_words ON public.conversations_message USING gin (((string_to_array(search_text, ' '::text) || ('='::text || (user_id)::text))));
CREATE INDEX django_admin_log_content_type_id_c4bce8eb ON public.django_admin_log USING btree (content_type_id);
CREATE INDEX django_admin_log_user_id_c564eba6 ON public.django_admin_log USING btree (user_id);
CREATE INDEX django_session_expire_date_a5c62663 ON public.django_session USING btree (expire_date);
CREATE INDEX django_session_session_key_c0390e0f_like ON public.django_session USING btree (session_key varchar_pattern_ops);
CREATE INDEX operations_erasure_reference_35773f38_like ON public.operations_erasure USING btree (reference varchar_pattern_ops);
CREATE INDEX querycache_cacheentry_namespace_id_f9a6837a ON public.querycache_cacheentry USING btree (namespace_id);
CREATE INDEX querycache_cachelease_expires_at_e1633f03 ON public.querycache_cachelease USING btree (expires_at);
CREATE INDEX querycache_cachelease_namespace_id_10a74333 ON public.querycache_cachelease USING btree (namespace_id);
CREATE INDEX querycache_cachesize_namespace_id_8e790dc2 ON public.querycache_cachesize USING btree (namespace_id);
CREATE INDEX querycache_cachestatistics_namespace_id_a9a76ba7 ON public.querycache_cachestatistics USING btree (namespace_id);
CREATE INDEX querycache_cachetag_namespace_id_124b7f8b ON public.querycache_cachetag USING btree (namespace_id);
CREATE INDEX querycache_namespace_name_102277f5_like ON public.querycache_namespace USING btree (name varchar_pattern_ops);
CREATE INDEX staffreading_of_person ON public.access_staffreading USING btree (user_id, at DESC, id DESC);
CREATE INDEX usage_override_history ON public.billing_usageoverride USING btree (user_id, created_at DESC, id DESC);
CREATE TRIGGER access_staffreading_no_delete BEFORE DELETE ON public.access_staffreading FOR EACH ROW EXECUTE FUNCTION public.access_staffreading_no_delete();
CREATE TRIGGER access_staffreading_no_replace BEFORE TRUNCATE ON public.access_staffreading FOR EACH STATEMENT EXECUTE FUNCTION public.access_staffreading_no_replace();
CREATE TRIGGER access_staffreading_no_update BEFORE UPDATE ON public.access_staffreading FOR EACH ROW EXECUTE FUNCTION public.access_staffreading_no_update();
CREATE TRIGGER billing_creditaccount_born BEFORE INSERT ON public.billing_creditaccount FOR EACH ROW EXECUTE FUNCTION public.billing_creditaccount_born();
CREATE TRIGGER billing_creditaccount_no_delete BEFORE DELETE ON public.billing_creditaccount FOR EACH ROW EXECUTE FUNCTION public.billing_creditaccount_no_delete();
CREATE TRIGGER billing_creditaccount_no_replace BEFORE TRUNCATE ON public.billing_creditaccount FOR EACH STATEMENT EXECUTE FUNCTION public.billing_creditaccount_no_replace();
CREATE TRIGGER billing_creditaccount_proved BEFORE UPDATE ON public.billing_creditaccount FOR EACH ROW EXECUTE FUNCTION public.billing_creditaccount_proved();
CREATE TRIGGER billing_credithold_born BEFORE INSERT ON public.billing_credithold FOR EACH ROW EXECUTE FUNCTION public.billing_credithold_born();
CREATE TRIGGER billing_credithold_held_at_birth AFTER INSERT ON public.billing_credithold FOR EACH ROW EXECUTE FUNCTION public.billing_credithold_held_at_birth();
CREATE TRIGGER billing_credithold_held_at_end AFTER UPDATE ON public.billing_credithold FOR EACH ROW EXECUTE FUNCTION public.billing_credithold_held_at_end();
CREATE TRIGGER billing_credithold_no_delete BEFORE DELETE ON public.billing_credithold FOR EACH ROW EXECUTE FUNCTION public.billing_credithold_no_delete();
CREATE TRIGGER billing_credithold_no_replace BEFORE TRUNCATE ON public.billing_credithold FOR EACH STATEMENT EXECUTE FUNCTION public.billing_credithold_no_replace();
CREATE TRIGGER billing_credithold_once BEFORE UPDATE ON public.billing_credithold FOR EACH ROW EXECUTE FUNCTION public.billing_credithold_once();
CREATE TRIGGER billing_credittransaction_apply AFTER INSERT ON public.billing_credittransaction FOR EACH ROW EXECUTE FUNCTION public.billing_credittransaction_apply();
CREATE TRIGGER billing_credittransaction_no_delete BEFORE DELETE ON public.billing_credittransaction FOR EACH ROW EXECUTE FUNCTION public.billing_credittransaction_no_delete();
CREATE TRIGGER billing_credittransaction_no_replace BEFORE TRUNCATE ON public.billing_credittransaction FOR EACH STATEMENT EXECUTE FUNCTION public.billing_credittransaction_no_replace();
CREATE TRIGGER billing_credittransaction_no_update BEFORE UPDATE ON public.billing_credittransaction FOR EACH ROW EXECUTE FUNCTION public.billing_credittransaction_no_update();
CREATE TRIGGER billing_ledgercheckpoint_no_delete BEFORE DELETE ON public.billing_ledgercheckpoint FOR EACH ROW EXECUTE FUNCTION public.billing_ledgercheckpoint_no_delete();
CREATE TRIGGER billing_ledgercheckpoint_no_replace BEFORE TRUNCATE ON public.billing_ledgercheckpoint FOR EACH STATEMENT EXECUTE FUNCTION public.billing_ledgercheckpoint_no_replace();
CREATE TRIGGER billing_ledgercheckpoint_no_update BEFORE UPDATE ON public.billing_ledgercheckpoint FOR EACH ROW EXECUTE FUNCTION public.billing_ledgercheckpoint_no_update();
CREATE TRIGGER billing_ledgercheckpoint_true BEFORE INSERT ON public.billing_ledgercheckpoint FOR EACH ROW EXECUTE FUNCTION public.billing_ledgercheckpoint_true();
CREATE TRIGGER billing_usageoverride_no_delete BEFORE DELETE ON public.billing_usageoverride FOR EACH ROW EXECUTE FUNCTION public.billing_usageoverride_no_delete();
CREATE TRIGGER billing_usageoverride_no_replace BEFORE TRUNCATE ON public.billing_usageoverride FOR EACH STATEMENT EXECUTE FUNCTION public.billing_usageoverride_no_replace();
CREATE TRIGGER billing_usageoverride_no_update BEFORE UPDATE ON public.billing_usageoverride FOR EACH ROW EXECUTE FUNCTION public.billing_usageoverride_no_update();
CREATE TRIGGER consent_consentchain_born BEFORE INSERT ON public.consent_consentchain FOR EACH ROW EXECUTE FUNCTION public.consent_consentchain_born();
CREATE TRIGGER consent_consentchain_moved BEFORE UPDATE ON public.consent_consentchain FOR EACH ROW EXECUTE FUNCTION public.consent_consentchain_moved();
CREATE TRIGGER consent_consentchain_no_delete BEFORE DELETE ON public.consent_consentchain FOR EACH ROW EXECUTE FUNCTION public.consent_consentchain_no_delete();
CREATE TRIGGER consent_consentchain_no_replace BEFORE TRUNCATE ON public.consent_consentchain FOR EACH STATEMENT EXECUTE FUNCTION public.consent_consentchain_no_replace();
CREATE TRIGGER consent_consentevent_apply AFTER INSERT ON public.consent_consentevent FOR EACH ROW EXECUTE FUNCTION public.consent_consentevent_apply();
CREATE TRIGGER consent_consentevent_no_delete BEFORE DELETE ON public.consent_consentevent FOR EACH ROW EXECUTE FUNCTION public.consent_consentevent_no_delete();
CREATE TRIGGER consent_consentevent_no_replace BEFORE TRUNCATE ON public.consent_consentevent FOR EACH STATEMENT EXECUTE FUNCTION public.consent_consentevent_no_replace();
CREATE TRIGGER consent_consentevent_no_update BEFORE UPDATE ON public.consent_consentevent FOR EACH ROW EXECUTE FUNCTION public.consent_consentevent_no_update();
CREATE TRIGGER consent_consentstate_born BEFORE INSERT ON public.consent_consentstate FOR EACH ROW EXECUTE FUNCTION public.consent_consentstate_born();
CREATE TRIGGER consent_consentstate_no_delete BEFORE DELETE ON public.consent_consentstate FOR EACH ROW EXECUTE FUNCTION public.consent_consentstate_no_delete();
CREATE TRIGGER consent_consentstate_no_replace BEFORE TRUNCATE ON public.consent_consentstate FOR EACH STATEMENT EXECUTE FUNCTION public.consent_consentstate_no_replace();
CREATE TRIGGER consent_consentstate_true BEFORE UPDATE ON public.consent_consentstate FOR EACH ROW EXECUTE FUNCTION public.consent_consentstate_true();
CREATE TRIGGER consent_policyversion_no_delete BEFORE DELETE ON public.consent_policyversion FOR EACH ROW EXECUTE FUNCTION public.consent_policyversion_no_delete();
CREATE TRIGGER consent_policyversion_no_replace BEFORE TRUNCATE ON public.consent_policyversion FOR EACH STATEMENT EXECUTE FUNCTION public.consent_policyversion_no_replace();
CREATE TRIGGER consent_policyversion_no_update BEFORE UPDATE ON public.consent_policyversion FOR EACH ROW EXECUTE FUNCTION public.consent_policyversion_no_update();
CREATE TRIGGER conversations_conversation_held BEFORE DELETE ON public.conversations_conversation FOR EACH ROW EXECUTE FUNCTION public.conversations_conversation_held();
CREATE TRIGGER conversations_message_held BEFORE DELETE ON public.conversations_message FOR EACH ROW EXECUTE FUNCTION public.conversations_message_held();
CREATE TRIGGER guarded_proof_no_delete BEFORE DELETE ON public.guarded_proof FOR EACH ROW EXECUTE FUNCTION public.guarded_proof_no_delete();
CREATE TRIGGER guarded_proof_no_replace BEFORE TRUNCATE ON public.guarded_proof FOR EACH STATEMENT EXECUTE FUNCTION public.guarded_proof_no_replace();
CREATE TRIGGER guarded_proof_no_update BEFORE UPDATE ON public.guarded_proof FOR EACH ROW EXECUTE FUNCTION public.guarded_proof_no_update();
CREATE TRIGGER operations_erasure_no_delete BEFORE DELETE ON public.operations_erasure FOR EACH ROW EXECUTE FUNCTION public.operations_erasure_no_delete();
CREATE TRIGGER operations_erasure_no_replace BEFORE TRUNCATE ON public.operations_erasure FOR EACH STATEMENT EXECUTE FUNCTION public.operations_erasure_no_replace();
CREATE TRIGGER operations_erasure_no_update BEFORE UPDATE ON public.operations_erasure FOR EACH ROW EXECUTE FUNCTION public.operations_erasure_no_update();
CREATE TRIGGER querycache_cacheentry_size AFTER INSERT OR DELETE OR UPDATE ON public.querycache_cacheentry FOR EACH ROW EXECUTE FUNCTION public.querycache_cacheentry_size();
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissio_permission_id_84c5c92e_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_b120cbf9_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_2f476e4b_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_group_id_97559544_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_user_id_6a12ed8b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permi_permission_id_1fbb5f2c_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_user_id_a95ead1b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.axes_accessattemptexpiration
    ADD CONSTRAINT axes_accessattemptex_access_attempt_id_6b73a47a_fk_axes_acce FOREIGN KEY (access_attempt_id) REFERENCES public.axes_accessattempt(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.consent_consentevent
    ADD CONSTRAINT consent_consentevent_policy_version_id_2db37967_fk_consent_p FOREIGN KEY (policy_version_id) REFERENCES public.consent_policyversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.consent_consentevent
    ADD CONSTRAINT consent_consentevent_purpose_318ca72f_fk_consent_purpose_key FOREIGN KEY (purpose) REFERENCES public.consent_purpose(key) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.consent_consentstate
    ADD CONSTRAINT consent_consentstate_event_id_8b527202_fk_consent_c FOREIGN KEY (event_id) REFERENCES public.consent_consentevent(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.consent_consentstate
    ADD CONSTRAINT consent_consentstate_policy_version_id_15bc0cfa_fk_consent_p FOREIGN KEY (policy_version_id) REFERENCES public.consent_policyversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.consent_consentstate
    ADD CONSTRAINT consent_consentstate_purpose_9addfee7_fk_consent_purpose_key FOREIGN KEY (purpose) REFERENCES public.consent_purpose(key) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.consent_policyversion
    ADD CONSTRAINT consent_policyversion_purpose_a56ef737_fk_consent_purpose_key FOREIGN KEY (purpose) REFERENCES public.consent_purpose(key) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.conversations_message
    ADD CONSTRAINT conversations_messag_conversation_id_f1a2d5e9_fk_conversat FOREIGN KEY (conversation_id) REFERENCES public.conversations_conversation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_content_type_id_c4bce8eb_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_user_id_c564eba6_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.querycache_cacheentry
    ADD CONSTRAINT querycache_cacheentr_namespace_id_f9a6837a_fk_querycach FOREIGN KEY (namespace_id) REFERENCES public.querycache_namespace(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.querycache_cachelease
    ADD CONSTRAINT querycache_cacheleas_namespace_id_10a74333_fk_querycach FOREIGN KEY (namespace_id) REFERENCES public.querycache_namespace(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.querycache_cachestatistics
    ADD CONSTRAINT querycache_cachestat_namespace_id_a9a76ba7_fk_querycach FOREIGN KEY (namespace_id) REFERENCES public.querycache_namespace(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.querycache_cachetag
    ADD CONSTRAINT querycache_cachetag_namespace_id_124b7f8b_fk_querycach FOREIGN KEY (namespace_id) REFERENCES public.querycache_namespace(id) DEFERRABLE INITIALLY DEFERRED;
