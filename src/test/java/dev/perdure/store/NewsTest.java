package dev.perdure.store;

import static dev.perdure.store.JournalWorld.ALICE;
import static dev.perdure.store.JournalWorld.BOB;
import static dev.perdure.store.JournalWorld.CHAIN;
import static dev.perdure.store.JournalWorld.ask;
import static dev.perdure.store.JournalWorld.look;
import static dev.perdure.store.JournalWorld.looking;
import static dev.perdure.store.JournalWorld.news;
import static dev.perdure.store.JournalWorld.writing;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whatever is committed is found exactly once, however late and in whatever order. */
class NewsTest {

    private final JournalWorld world = new JournalWorld();
    private final PgJournal journal;
    private String snapshot = "";

    NewsTest() throws Exception {
        journal = world.journal(world.newTerm());
    }

    @BeforeEach
    void firstLook() throws Exception {
        snapshot = look(journal, null).snapshot();
    }

    @AfterEach
    void closeWorld() {
        journal.close();
        world.close();
    }

    /** Ids of new instances, without their definitions. */
    private List<String> started() throws Exception {
        return started(100);
    }

    private List<String> started(int limit) throws Exception {
        Journal.News news = news(ask(journal, looking(new Journal.Look(snapshot, limit, 0, null, null))));
        snapshot = news.snapshot();
        return news.started().stream().map(Journal.InstanceRef::id).toList();
    }

    private static String start(Connection session) throws Exception {
        return String.valueOf(
                TestDatabase.rows(session, "SELECT df.start('SELECT 1')").get(0).get(0));
    }

    @Test
    void a_start_that_commits_after_later_ones_is_found() throws Exception {
        try (Connection slow = world.database.connect(ALICE)) {
            slow.setAutoCommit(false);
            String late = start(slow);
            String early = world.start(BOB, CHAIN);
            assertThat(started()).containsExactly(early);
            assertThat(started()).isEmpty();
            slow.commit();
            assertThat(started()).containsExactly(late);
            assertThat(started()).isEmpty();
        }
    }

    @Test
    void what_is_started_behind_a_savepoint_is_found_when_it_is_kept() throws Exception {
        try (Connection session = world.database.connect(ALICE)) {
            session.setAutoCommit(false);
            session.createStatement().execute("CREATE TEMP TABLE t (); SAVEPOINT a");
            String kept = start(session);
            session.createStatement().execute("RELEASE a; SAVEPOINT b");
            start(session);
            session.createStatement().execute("ROLLBACK TO b");
            assertThat(started()).isEmpty();
            session.commit();
            assertThat(started()).containsExactly(kept);
            assertThat(started()).isEmpty();
        }
    }

    @Test
    void a_transaction_that_is_open_for_long_hides_nothing_and_is_found_at_its_end() throws Exception {
        try (Connection old = world.database.connect(ALICE)) {
            old.setAutoCommit(false);
            String last = start(old);
            for (int i = 0; i < 5; i++) {
                String id = world.start(BOB, CHAIN);
                assertThat(started()).containsExactly(id);
            }
            old.commit();
            assertThat(started()).containsExactly(last);
        }
    }

    /** Who sends thousands of them at once would have everybody else's wait, a page for each look. */
    @Test
    void more_of_any_kind_than_one_look_returns_is_said() throws Exception {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            ids.add(world.start(ALICE, CHAIN));
        }
        snapshot = look(journal, null).snapshot();
        String all = "SELECT df.%s FROM unnest('{" + String.join(",", ids) + "}'::text[]) AS id";
        world.database.rows(ALICE, all.formatted("signal(id, 'go')"));
        world.database.rows(ALICE, all.formatted("cancel(id)"));

        List<String> cancelled = new ArrayList<>();
        List<Boolean> more = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Journal.News news = news(ask(journal, looking(new Journal.Look(snapshot, 2, 0, null, null))));
            snapshot = news.snapshot();
            news.cancelled().forEach(cancel -> cancelled.add(cancel.instance()));
            more.add(news.more());
        }
        assertThat(cancelled).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(more).containsExactly(true, true, false, false);
    }

    @Test
    void who_waits_for_an_event_is_named_once_page_by_page_however_late_it_commits() throws Exception {
        String publisher = world.start(ALICE, CHAIN);
        List<String> waiting = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            waiting.add(world.start(i == 0 ? BOB : ALICE, CHAIN));
            world.database.execute(
                    PostgresServer.OWNER,
                    "INSERT INTO df._event_waits (instance_id, subject, node_id, publisher_id, name)" + " VALUES ('"
                            + waiting.get(i) + "', '" + waiting.get(i) + "', '0000000" + i + "', '" + publisher
                            + "', 'x')");
        }
        snapshot = look(journal, null).snapshot();
        try (Connection late = world.database.connect(PostgresServer.OWNER)) {
            late.setAutoCommit(false);
            TestDatabase.rows(late, "SELECT df._tell(?, '{\"event\": \"x\", \"value\": 1}')", publisher);
            world.database.rows(
                    PostgresServer.OWNER,
                    "SELECT df._tell(?, '{\"event\": \"nobody waits\", \"value\": 1}')",
                    publisher);
            assertThat(awaited(2)).isEmpty();
            late.commit();
            List<String> found = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                found.addAll(awaited(2));
            }
            assertThat(found).containsExactlyInAnyOrderElementsOf(waiting);
        }
    }

    private List<String> awaited(int limit) throws Exception {
        Journal.News news = news(ask(journal, looking(new Journal.Look(snapshot, limit, 0, null, null))));
        snapshot = news.snapshot();
        assertThat(news.signals()).allSatisfy(sent -> assertThat(sent.name()).startsWith("\u00010000000"));
        return news.signals().stream().map(Journal.SignalSent::instance).toList();
    }

    @Test
    void more_than_a_look_may_name_comes_page_by_page_and_what_is_started_meanwhile_too() throws Exception {
        List<String> all = new ArrayList<>();
        world.database
                .rows(ALICE, "SELECT * FROM df.start_many('SELECT {i}', 'SELECT i FROM generate_series(1, 25) i')")
                .forEach(row -> all.add(String.valueOf(row.get(0))));
        List<String> found = new ArrayList<>(started(10));
        assertThat(found).hasSize(10);
        all.add(world.start(BOB, CHAIN));
        for (int i = 0; i < 4; i++) {
            found.addAll(started(10));
        }
        assertThat(found).containsExactlyInAnyOrderElementsOf(all);
    }

    @Test
    void a_role_that_starts_many_shares_what_is_read_along() throws Exception {
        world.database.rows(
                ALICE, "SELECT * FROM df.start_many('SELECT {i}', 'SELECT i FROM generate_series(1, 50) i')");
        String his = world.start(BOB, CHAIN);
        Journal.Answer answer = ask(journal, looking(new Journal.Look(snapshot, 100, 300, null, null)));
        assertThat(news(answer).along())
                .extracting(LoadedInstance::id)
                .contains(his)
                .hasSizeLessThan(10);
        assertThat(news(answer).along().size() + news(answer).started().size()).isEqualTo(51);
    }

    @Test
    void signals_and_cancels_are_named_once() throws Exception {
        String id = world.start(ALICE, CHAIN);
        started();
        world.database.value(ALICE, "SELECT df.signal(?, 'go', '1')", id);
        world.database.value(ALICE, "SELECT df.cancel(?, 'no use')", id);
        Journal.News news = look(journal, snapshot);
        assertThat(news.cancelled())
                .containsExactly(new Journal.Cancelled(
                        id, world.role(ALICE), "no use", news.cancelled().get(0).bytes()));
        assertThat(news.cancelled().get(0).bytes()).isPositive();
        Journal.News again = look(journal, news.snapshot());
        assertThat(again.cancelled()).isEmpty();
        assertThat(again.signals()).isEmpty();
    }

    @Test
    void a_signal_is_named_with_its_instance_and_role() throws Exception {
        String id = world.start(ALICE, CHAIN);
        world.database.value(ALICE, "SELECT df.signal(?, 'go', '1')", id);
        List<Journal.SignalSent> sent = look(journal, snapshot).signals();
        assertThat(sent)
                .containsExactly(new Journal.SignalSent(
                        id, world.role(ALICE), "go", sent.get(0).bytes()));
        assertThat(sent.get(0).bytes()).isPositive();
        Journal.Answer answer = ask(
                journal,
                new Journal.Exchange(
                        List.of(),
                        List.of(),
                        List.of(),
                        null,
                        null,
                        new Journal.SignalLook(List.of(new Journal.SignalWanted(id, "go")), 100),
                        null));
        assertThat(answer.signals()).extracting(Journal.Signal::data).containsExactly("1");
    }

    @Test
    void a_new_term_finds_page_by_page_what_has_not_ended_and_does_not_sleep() throws Exception {
        List<String> awake = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            awake.add(world.start(i % 2 == 0 ? ALICE : BOB, CHAIN));
        }
        String sleeping = parked("\"2100-01-01T00:00:00Z\"");
        String waiting = parked("\"infinity\"");
        String due = parked("\"2020-01-01T00:00:00Z\"");
        String signalled = parked("\"infinity\"");
        world.database.value(ALICE, "SELECT df.signal(?, 'go')", signalled);
        String cancelled = parked("\"2100-01-01T00:00:00Z\"");
        world.database.value(ALICE, "SELECT df.cancel(?)", cancelled);
        String ended = world.start(ALICE, CHAIN);
        ask(
                journal,
                writing(new Journal.Write(ended, 1, "{}", "{\"end\":{\"status\":\"completed\",\"output\":\"1\"}}")));

        try (PgJournal next = world.journal(world.newTerm())) {
            String first = look(next, null).snapshot();
            world.start(ALICE, CHAIN); // is news, not left
            List<String> left = new ArrayList<>();
            Journal.@Nullable Page page = new Journal.Page(first, 0, "", 3);
            int pages = 0;
            while (page != null) {
                Journal.LeftPage found = news(ask(next, looking(new Journal.Look(first, 0, 0, page, null))))
                        .left();
                assertThat(found).isNotNull();
                found.instances().forEach(ref -> left.add(ref.id()));
                page = found.next();
                pages++;
            }
            List<String> expected = new ArrayList<>(awake);
            expected.addAll(List.of(due, signalled, cancelled));
            assertThat(left).containsExactlyInAnyOrderElementsOf(expected).doesNotContain(sleeping, waiting);
            assertThat(pages).isGreaterThan(2);
            Journal.News later = news(ask(
                    next,
                    looking(new Journal.Look(
                            first,
                            100,
                            0,
                            null,
                            new Journal.Due(Instant.EPOCH, Instant.parse("2100-01-01T00:00:00Z"), 10)))));
            assertThat(later.started()).hasSize(1);
            assertThat(later.due()).isNotNull();
            assertThat(later.due().instances())
                    .extracting(Journal.InstanceRef::id)
                    .containsExactlyInAnyOrder(due, sleeping, cancelled)
                    .startsWith(due);
        }
    }

    private String parked(String wakeAt) throws Exception {
        String id = world.start(ALICE, CHAIN);
        ask(journal, writing(new Journal.Write(id, 1, "{\"nodes\":{}}", "{\"wake_at\":" + wakeAt + "}")));
        return id;
    }
}
