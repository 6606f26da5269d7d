package dev.perdure.faults.ledger;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.faults.world.ClientProgram;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Processes in Python that do {@link ActivityStep}s, with SIGKILL or SIGSTOP and SIGCONT for one of them every other second. None on a
 * machine without Python or the registry of its driver.
 */
public final class PythonPrograms implements AutoCloseable {

    private final Path folder;
    private final List<DatabaseUrl> urls;
    private final List<ClientProgram> programs = new ArrayList<>();
    private final Thread fate = new Thread(this::strike, "fate of programs");
    private final AtomicLong killed = new AtomicLong();
    private final AtomicLong stopped = new AtomicLong();
    private volatile boolean over;

    /**
     * Starts one for each URL.
     *
     * @param folder for what they say
     */
    public PythonPrograms(Path folder, List<DatabaseUrl> urls) {
        this.folder = folder;
        this.urls = urls;
        if (ClientProgram.hasPython()) {
            for (int i = 0; i < urls.size(); i++) {
                programs.add(start(i));
            }
            fate.setDaemon(true);
            fate.start();
        }
    }

    private ClientProgram start(int place) {
        return ClientProgram.inPython("steps.py", urls.get(place), ActivityStep.KIND, folder);
    }

    private void strike() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        try {
            while (!over) {
                TimeUnit.MILLISECONDS.sleep(random.nextLong(500, 3500));
                int place = random.nextInt(programs.size());
                ClientProgram program = programs.get(place);
                if (random.nextInt(3) > 0 || !program.isAlive()) {
                    program.close();
                    killed.incrementAndGet();
                    if (!over) {
                        programs.set(place, start(place));
                    }
                } else {
                    program.freeze();
                    TimeUnit.MILLISECONDS.sleep(random.nextLong(100, 4000));
                    program.thaw();
                    stopped.incrementAndGet();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What became of them, for the figures. */
    public String figures() {
        return programs.isEmpty()
                ? "no programs in Python: " + ClientProgram.whyNoPython()
                : killed.get() + " programs in Python killed, " + stopped.get() + " stopped for a while";
    }

    @Override
    public void close() {
        over = true;
        fate.interrupt();
        try {
            fate.join(5000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        programs.forEach(ClientProgram::close);
    }
}
