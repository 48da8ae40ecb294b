using OnCache.Lab.Cluster;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Tests.Overlay;

namespace OnCache.Lab.Tests.Cluster;

public sealed class DaemonsTests : IDisposable
{
    private readonly ClusterNames names = new($"t{Guid.NewGuid():N}"[..9]);
    private readonly Daemons daemons;

    public DaemonsTests()
    {
        // Daemons keep their files where only root may write.
        LiveLab.Require();
        daemons = new Daemons(names);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        if (Directory.Exists(names.Folder))
        {
            Directory.Delete(names.Folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("I1121 08:00:00 fine\nF1121 08:00:01 listen: address in use\ngoroutine 1 [running]:\nmain.go:1", "F1121 08:00:01 listen: address in use")]
    [InlineData("panic: nil map\n\ngoroutine 7 [running]:\nkubelet.go:1398 +0x52d\n", "panic: nil map")]
    [InlineData("Error: unknown flag: --x\nUsage: many lines\n", "Error: unknown flag: --x")]
    [InlineData("Flag --y has been deprecated\nbye\n\n", "bye")]
    [InlineData("", "it said nothing")]
    public void The_reason_of_an_end_is_found_in_the_log(string log, string reason)
    {
        Directory.CreateDirectory(names.LogFolder);
        File.WriteAllText(daemons.LogFile("x"), log);

        daemons.LastWords("x").ShouldBe(reason);
    }

    [Fact]
    public async Task A_daemon_runs_where_it_was_put_writes_to_its_log_and_ends_when_told()
    {
        Directory.CreateDirectory(names.Folder);
        var process = daemons.Start("sleeper", null, names.Folder, "/nowhere", "sh", ["-c", "pwd; echo $PATH >&2; exec sleep 1000"]);

        daemons.ListRunning().ShouldBe(["sleeper"]);
        daemons.Running("sleeper").ShouldBe(process);
        await Eventually.HoldsAsync(async () =>
            File.Exists(daemons.LogFile("sleeper"))
            && (await File.ReadAllLinesAsync(daemons.LogFile("sleeper"), Cancellation)) is [var folder, var path]
            && folder == names.Folder && path.StartsWith("/nowhere:", StringComparison.Ordinal));

        await daemons.StopAsync("sleeper", TimeSpan.FromSeconds(3), Cancellation);
        process.IsAlive.ShouldBeFalse();
        daemons.ListRunning().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_process_with_a_reused_pid_is_not_taken_for_a_daemon()
    {
        await using var mine = LabProcess.Start("sleep", ["1000"]);
        Directory.CreateDirectory(names.ProcessFolder);
        daemons.Adopt("other", mine.Identity with { StartTicks = mine.Identity.StartTicks - 1 });

        daemons.Running("other").ShouldBeNull();
        await daemons.StopAsync("other", TimeSpan.Zero, Cancellation);
        mine.Identity.IsAlive.ShouldBeTrue();
    }
}
