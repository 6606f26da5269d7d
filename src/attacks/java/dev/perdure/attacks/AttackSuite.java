package dev.perdure.attacks;

import dev.perdure.attacks.attack.AdvisoryLocks;
import dev.perdure.attacks.attack.AgainAndAgain;
import dev.perdure.attacks.attack.AnswersThatGrow;
import dev.perdure.attacks.attack.CallBombs;
import dev.perdure.attacks.attack.Definitions;
import dev.perdure.attacks.attack.DollarQuotes;
import dev.perdure.attacks.attack.EchoingEvents;
import dev.perdure.attacks.attack.EndlessCommit;
import dev.perdure.attacks.attack.EndlessUndos;
import dev.perdure.attacks.attack.EndedRuns;
import dev.perdure.attacks.attack.ErrorTexts;
import dev.perdure.attacks.attack.EventStorm;
import dev.perdure.attacks.attack.HeldActivities;
import dev.perdure.attacks.attack.FullQueues;
import dev.perdure.attacks.attack.GreedyClaimers;
import dev.perdure.attacks.attack.HeldCompletions;
import dev.perdure.attacks.attack.HugeItems;
import dev.perdure.attacks.attack.LargeSignals;
import dev.perdure.attacks.attack.LockedParents;
import dev.perdure.attacks.attack.LockedRows;
import dev.perdure.attacks.attack.LoginStorm;
import dev.perdure.attacks.attack.LostLeases;
import dev.perdure.attacks.attack.ManyEvents;
import dev.perdure.attacks.attack.ManyMaps;
import dev.perdure.attacks.attack.ManySchedules;
import dev.perdure.attacks.attack.ManySignals;
import dev.perdure.attacks.attack.ManyStarts;
import dev.perdure.attacks.attack.ManyWaits;
import dev.perdure.attacks.attack.Notices;
import dev.perdure.attacks.attack.NestedResults;
import dev.perdure.attacks.attack.NotifyFlood;
import dev.perdure.attacks.attack.NulCharacters;
import dev.perdure.attacks.attack.OddValues;
import dev.perdure.attacks.attack.OneCommit;
import dev.perdure.attacks.attack.OpenCancel;
import dev.perdure.attacks.attack.OpenRedrive;
import dev.perdure.attacks.attack.QueueChanges;
import dev.perdure.attacks.attack.ResultsMultiplied;
import dev.perdure.attacks.attack.RowsWithoutBytes;
import dev.perdure.attacks.attack.SlowRequests;
import dev.perdure.attacks.attack.SlowStatements;
import dev.perdure.attacks.attack.UnresolvableNames;
import dev.perdure.attacks.attack.VariablesInSum;
import dev.perdure.attacks.attack.VariablesMultiplied;
import dev.perdure.attacks.attack.WideEnds;
import dev.perdure.attacks.attack.WrittenOutNumbers;
import dev.perdure.attacks.stage.Outcome;
import dev.perdure.attacks.stage.Stage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Carries the attacks out and says what came of them; exit code 1 when one did harm.
 *
 * <p>System properties: {@code attacks.form} ({@code short}, at most five minutes, or {@code long}), {@code attacks.only} (names
 * with commas), {@code attacks.seed} of their order, {@code attacks.memory} (megabytes of the worker's heap, with commas),
 * {@code attacks.hold} (seconds that each is kept up under a leader), {@code attacks.limit} (milliseconds that a service may take),
 * {@code attacks.jvm} (options of the worker's JVM, such as {@code -Xlog:gc}).
 */
public final class AttackSuite {

    private AttackSuite() {}

    private static List<Attack> attacks() {
        return List.of(
                new LockedRows(),
                new OpenCancel(),
                new EndlessCommit(),
                new NulCharacters(),
                new OddValues(),
                new LargeSignals(),
                new ManySignals(),
                new ManyEvents(),
                new VariablesMultiplied(),
                new ResultsMultiplied(),
                new VariablesInSum(),
                new Definitions(),
                new RowsWithoutBytes(),
                new NestedResults(),
                new WrittenOutNumbers(),
                new ErrorTexts(),
                new Notices(),
                new AnswersThatGrow(),
                new SlowRequests(),
                new UnresolvableNames(),
                new SlowStatements(),
                new ManyStarts(),
                new DollarQuotes(),
                new LoginStorm(),
                new NotifyFlood(),
                new AdvisoryLocks(),
                new HeldActivities(),
                new HugeItems(),
                new ManyMaps(),
                new WideEnds(),
                new LockedParents(),
                new OpenRedrive(),
                new HeldCompletions(),
                new LostLeases(),
                new FullQueues(),
                new QueueChanges(),
                new ManySchedules(),
                new CallBombs(),
                new EndlessUndos(),
                new AgainAndAgain(),
                new GreedyClaimers(),
                new EchoingEvents(),
                new OneCommit(),
                new EventStorm(),
                new ManyWaits(),
                new EndedRuns());
    }

    /** Runs the suite. */
    public static void main(String[] arguments) throws Exception {
        boolean longForm = System.getProperty("attacks.form", "short").equals("long");
        long seed = Long.getLong("attacks.seed", System.nanoTime() & 0xffffff);
        List<Integer> memory = Arrays.stream(
                        System.getProperty("attacks.memory", longForm ? "256,512" : "256").split(","))
                .map(Integer::valueOf)
                .toList();
        Extent extent = new Extent(
                longForm,
                Duration.ofSeconds(Long.getLong("attacks.hold", longForm ? 15 : 3)),
                Duration.ofMillis(Long.getLong("attacks.limit", 2000)),
                memory);
        List<String> only = Arrays.stream(System.getProperty("attacks.only", "").split(","))
                .filter(name -> !name.isBlank())
                .toList();
        List<Attack> chosen = new ArrayList<>(attacks());
        chosen.removeIf(attack -> !only.isEmpty() && !only.contains(attack.name()));
        Collections.shuffle(chosen, new Random(seed));
        System.out.printf(
                "Attack suite, %s form, seed %d. To repeat: ./mvnw -Pattacks verify -Dattacks.form=%s -Dattacks.seed=%d%n",
                longForm ? "long" : "short", seed, longForm ? "long" : "short", seed);
        List<String> harmful = new ArrayList<>();
        if (chosen.isEmpty()) {
            harmful.add("no attack is called " + only);
        }
        for (int megabytes : extent.memory()) {
            harmful.addAll(with(megabytes, extent, chosen));
        }
        if (!harmful.isEmpty()) {
            System.out.println("FAILED, seed " + seed + ": " + String.join(", ", harmful));
            // Threads of what failed may still run.
            System.exit(1);
        }
        System.out.println("No attack did harm, seed " + seed);
        System.exit(0);
    }

    private static List<String> with(int megabytes, Extent extent, List<Attack> attacks) throws Exception {
        List<String> harmful = new ArrayList<>();
        Stage stage = new Stage(megabytes, extent);
        try {
            System.out.printf("%n%s%n", stage.description());
            // What the JVM does for the first time is not the attackers' doing.
            stage.alone();
            Outcome alone = stage.alone();
            print("nobody", alone.violations().isEmpty() ? "PASSED" : "VOID", 0, alone);
            for (Attack attack : attacks) {
                if (!isHarmless(stage, attack)) {
                    harmful.add(attack.name() + " at " + megabytes + " MB");
                    stage.close();
                    stage = new Stage(megabytes, extent);
                }
            }
        } finally {
            stage.close();
        }
        return harmful;
    }

    private static boolean isHarmless(Stage stage, Attack attack) {
        long begin = System.nanoTime();
        try {
            Outcome outcome = stage.attack(attack);
            boolean isHarmless = outcome.violations().isEmpty();
            // Who is not served although nobody attacks says nothing about the attack; that is no success either.
            boolean isVoid = !isHarmless
                    && stage.isFitForMore()
                    && !stage.alone().violations().isEmpty();
            String verdict = isVoid ? "VOID (the victim alone is as slow, for a while at least)" : "FAILED";
            print(attack.name(), isHarmless ? "PASSED" : verdict, (System.nanoTime() - begin) / 1_000_000_000, outcome);
            return isHarmless;
        } catch (Exception | AssertionError e) {
            System.out.printf("FAILED %s: it could not be carried out, or nobody led afterwards: %s%n", attack.name(), e);
            e.printStackTrace(System.out);
            return false;
        }
    }

    private static void print(String name, String verdict, long seconds, Outcome outcome) {
        System.out.printf("%s %s (%d s, worker %s): %s%n", verdict, name, seconds, outcome.memory(), outcome.done());
        outcome.phases().forEach(phase -> System.out.println("    " + phase));
        outcome.violations().forEach(violation -> System.out.println("    !! " + violation));
    }
}
