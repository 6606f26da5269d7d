package dev.perdure.store;

import static dev.perdure.store.JournalWorld.items;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.database.Failure;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Items of maps are read with exchanges up to a size of all of them, and beside the exchanges where one has more (ADR 102). */
class LargeItemsTest {

    private static final int PAGE = 100;

    private JournalWorld world;
    private Term term;
    private PgJournal journal;

    @BeforeEach
    void begin() throws Exception {
        world = new JournalWorld();
        term = world.newTerm();
        journal = world.journal(term);
    }

    @AfterEach
    void end() throws Exception {
        journal.close();
        world.close();
    }

    private long map(int items, int bytes) throws Exception {
        return world.map(journal, items, bytes);
    }

    private List<OpenItems.Answer> exchanged(OpenItems... wishes) throws Exception {
        return items(journal, new Journal.Items(List.of(), List.of(), List.of(wishes), List.of()))
                .opened();
    }

    private List<OpenItems.Answer> beside(OpenItems... wishes) throws Exception {
        return journal.readItems(List.of(wishes)).toCompletableFuture().get(30, TimeUnit.SECONDS);
    }

    private static OpenItems page(long map, long after, int limit) {
        return new OpenItems(map, after, limit, 0, 0, 0);
    }

    private static List<Long> ordinals(OpenItems.Answer answer) {
        return ((OpenItems.Opened) answer)
                .rows().stream().map(Journal.ItemRow::ordinal).toList();
    }

    private String opened(long map) throws Exception {
        return world.row("SELECT opened FROM df._maps WHERE id = ?", map).get(0);
    }

    @Test
    void an_item_of_much_more_than_others_is_read_by_itself_and_begun_only_then() throws Exception {
        long large = map(2, 1_000_000);

        assertThat(exchanged(page(large, 0, PAGE))).containsExactly(OpenItems.NotOpened.LARGE);
        assertThat(opened(large)).isEqualTo("0");

        List<OpenItems.Answer> read = beside(page(large, 0, PAGE));
        assertThat(ordinals(read.get(0))).containsExactly(1L);
        assertThat(((OpenItems.Opened) read.get(0)).rows().get(0).item()).hasSizeGreaterThan(1_000_000);
        assertThat(opened(large)).isEqualTo("1");
    }

    @Test
    void a_small_item_before_a_large_one_is_read_beside_with_it() throws Exception {
        long map = map(3, 10);
        world.row(
                "WITH large AS (UPDATE df._map_items SET item = jsonb_build_array(repeat('x', 500000))"
                        + " WHERE map_id = ? AND ordinal = 2 RETURNING 1) SELECT count(*) FROM large",
                map);

        assertThat(exchanged(page(map, 0, PAGE))).containsExactly(OpenItems.NotOpened.LARGE);
        assertThat(ordinals(beside(page(map, 0, PAGE)).get(0))).containsExactly(1L, 2L);
        assertThat(ordinals(exchanged(page(map, 2, PAGE)).get(0))).containsExactly(3L);
    }

    @Test
    void what_maps_have_together_is_bounded_and_the_others_are_asked_again() throws Exception {
        long[] maps = new long[5];
        for (int i = 0; i < maps.length; i++) {
            maps[i] = map(2, 100_000);
        }
        OpenItems[] wishes = IntStream.range(0, maps.length)
                .mapToObj(i -> page(maps[i], 0, PAGE))
                .toArray(OpenItems[]::new);

        List<OpenItems.Answer> answers = exchanged(wishes);
        assertThat(answers.subList(0, 3)).allSatisfy(answer -> assertThat(ordinals(answer))
                .as("a page of 64 KB, and one item at least")
                .containsExactly(1L));
        assertThat(answers.subList(3, 5)).containsOnly(OpenItems.NotOpened.LATER);
        assertThat(opened(maps[4])).isEqualTo("0");
        assertThat(ordinals(exchanged(wishes[3], wishes[4]).get(1))).containsExactly(1L);
    }

    @Test
    void a_batch_that_is_read_once_more_is_large_when_its_rows_are_together() throws Exception {
        long map = map(4, 100_000);

        assertThat(exchanged(page(map, 0, -4))).containsExactly(OpenItems.NotOpened.LARGE);
        assertThat(ordinals(beside(page(map, 0, -4)).get(0))).containsExactly(1L, 2L, 3L, 4L);
        assertThat(ordinals(exchanged(page(map, 0, -2)).get(0))).containsExactly(1L, 2L);
    }

    @Test
    void how_far_a_map_is_can_always_be_noted_and_a_locked_one_is_said_to_be() throws Exception {
        long large = map(1, 1_000_000);
        long small = map(1, 10);

        List<OpenItems.Answer> answers =
                exchanged(page(large, 0, PAGE), page(small, 0, PAGE), page(small, 0, 0), page(4711, 0, PAGE));
        assertThat(answers).startsWith(OpenItems.NotOpened.LARGE).endsWith(OpenItems.NotOpened.LATER);
        assertThat(exchanged(page(large, 0, 0)).get(0)).isInstanceOf(OpenItems.Opened.class);
        assertThat(exchanged(page(4711, 0, PAGE))).containsExactly(OpenItems.NotOpened.LOCKED);
        assertThat(beside(page(4711, 0, PAGE))).containsExactly(OpenItems.NotOpened.LOCKED);
    }

    @Test
    void nobody_but_the_newest_term_reads() throws Exception {
        long large = map(1, 1_000_000);
        world.newTerm();

        assertThatThrownBy(() -> beside(page(large, 0, PAGE)))
                .isInstanceOfSatisfying(ExecutionException.class, e -> assertThat(
                                ((JournalException) e.getCause()).failure().kind())
                        .isEqualTo(Failure.Kind.FENCED));
        assertThat(opened(large)).isEqualTo("0");
    }
}
