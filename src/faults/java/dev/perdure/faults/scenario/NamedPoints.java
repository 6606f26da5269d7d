package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.fault.AtPoint;
import dev.perdure.faults.ledger.Generator;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.ledger.Violation;
import dev.perdure.faults.world.Point;
import dev.perdure.faults.world.Subject;
import dev.perdure.faults.world.World;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.random.RandomGenerator;

/** Each thing that can break, at each point of the step protocol, one after the other. */
public final class NamedPoints implements Scenario {

    private static final int TRIES = 3;
    /** In the short form so many faults strike one after the other before all has to have ended, as long as the leader stays. */
    private static final int TOGETHER = 4;

    @Override
    public String name() {
        return "points";
    }

    @Override
    public String promise() {
        return "a step, an item of a map, an admission, a planned time is not lost and not doubled, at whichever point of its protocol something breaks";
    }

    /** Those of the form; or of all those that {@code faults.points} matches, {@code faults.times} times. */
    private static List<AtPoint> cases(boolean longForm) {
        String pattern = System.getProperty("faults.points");
        if (pattern == null) {
            return allCases(longForm);
        }
        List<AtPoint> some =
                allCases(true).stream().filter(fault -> fault.name().matches(pattern)).toList();
        return Collections.nCopies(Integer.getInteger("faults.times", 1), some).stream().flatMap(List::stream).toList();
    }

    private static List<AtPoint> allCases(boolean all) {
        List<AtPoint> cases = new ArrayList<>();
        for (AtPoint.Break what : AtPoint.Break.values()) {
            for (Point point : Point.values()) {
                boolean quick =
                        switch (what) {
                            case RESET -> true;
                            case END_SESSION -> point.compareTo(Point.BEFORE_SECOND_MESSAGE) >= 0;
                            case KILL_LEADER -> point == Point.AFTER_COMMIT || point == Point.AFTER_WRITE;
                            case FREEZE_LEADER -> point == Point.BEFORE_COMMIT || point == Point.BEFORE_WRITE;
                            case CRASH_SERVER -> point == Point.AFTER_WRITE;
                        };
                if (all || quick) {
                    cases.add(new AtPoint(point, what));
                }
                for (Subject subject : List.of(Subject.ITEM, Subject.ADMISSION, Subject.PLANNED)) {
                    if (subject.comesTo(point) && (all || isQuick(point, what, subject))) {
                        cases.add(new AtPoint(point, what, subject));
                    }
                }
            }
        }
        return cases;
    }

    private static boolean isQuick(Point point, AtPoint.Break what, Subject subject) {
        return switch (what) {
            case RESET -> true;
            case KILL_LEADER -> point == (subject == Subject.ITEM ? Point.AFTER_COMMIT : Point.AFTER_WRITE);
            case FREEZE_LEADER -> point == Point.BEFORE_WRITE && subject != Subject.ITEM;
            default -> false;
        };
    }

    @Override
    public Verdict run(Session session) throws Exception {
        RandomGenerator random = session.random("points");
        List<String> passed = new ArrayList<>();
        List<String> empty = new ArrayList<>();
        List<String> unsettled = new ArrayList<>();
        try (World world = World.create()) {
            PlannedTimes planned = new PlannedTimes(world);
            Generator generator = new Generator(random, world.service());
            List<AtPoint> cases = cases(session.longForm());
            for (AtPoint fault : cases) {
                long began = System.nanoTime();
                boolean reached = strike(fault, world, planned, generator, random, session.size(10, 20));
                (reached ? passed : empty).add(fault.name());
                unsettled.add(fault.name());
                boolean isLast = passed.size() + empty.size() == cases.size();
                boolean goesOn = !session.longForm() && !isLast && fault.leavesLeader() && unsettled.size() < TOGETHER;
                if (!goesOn) {
                    List<Violation> violations = new ArrayList<>(world.settle());
                    violations.addAll(planned.violations());
                    if (!violations.isEmpty()) {
                        return Verdict.of(violations, unsettled + " after " + passed);
                    }
                    unsettled.clear();
                }
                System.out.printf(
                        "  %s%s after %.1f s%n",
                        fault.name(), reached ? "" : ": not reached", (System.nanoTime() - began) / 1e9);
            }
        }
        if (!empty.isEmpty()) {
            return Verdict.empty("the point was not reached: " + empty + "; passed: " + passed);
        }
        return Verdict.passed(passed.size() + " of " + passed.size() + " points reached");
    }

    /** Whether what is to be struck has come to its point. */
    private static boolean strike(
            AtPoint fault, World world, PlannedTimes planned, Generator generator, RandomGenerator random, int count)
            throws Exception {
        world.startWorkers(2 - world.workers().all().size());
        boolean reached = false;
        for (int i = 0; i < TRIES && !reached; i++) {
            start(world, planned, fault.subject(), generator, count);
            reached = fault.strike(world, random);
        }
        if (world.workers().all().isEmpty()) {
            world.workers().start();
        }
        return reached;
    }

    /** So many that there is always something to catch. */
    private static void start(World world, PlannedTimes planned, Subject subject, Generator generator, int count) throws Exception {
        Starter starter = new Starter(world.book(), LedgerTables.APP);
        try (Connection app = world.server().connect(LedgerTables.APP)) {
            switch (subject) {
                case STEP -> {
                    for (int i = 0; i < count; i++) {
                        starter.start(app, Generator.chain(10, 0.02));
                        starter.start(app, generator.workflow());
                        starter.start(app, generator.ofOwner());
                    }
                }
                case ITEM -> {
                    for (int i = 0; i < count; i++) {
                        starter.start(app, Generator.map(150, i % 2 == 0));
                    }
                }
                case ADMISSION -> {
                    for (int i = 0; i < 4 * count; i++) {
                        starter.startInQueue(app, Generator.chain(1, 0.2), "k" + i % 2);
                    }
                }
                case PLANNED -> planned.makeLate();
            }
        }
    }
}
