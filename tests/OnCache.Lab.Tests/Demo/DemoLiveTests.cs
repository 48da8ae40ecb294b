using System.Text.Json;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;
using OnCache.Lab.Tests.Overlay;

namespace OnCache.Lab.Tests.Demo;

/// <summary>The demonstration with stand-ins for the agent: what it concludes, and that it leaves nothing.</summary>
public sealed class DemoLiveTests : IDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "oncache-lab");
    private readonly string folder = Directory.CreateTempSubdirectory("oncache-demo-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_agent_that_ends_at_once_fails_the_demonstration_with_its_reason()
    {
        LiveLab.Require();
        var result = await DemoAsync("echo 'no BTF in this kernel' >&2; exit 1");

        result.ExitCode.ShouldBe(1);
        result.Error.Trim().ShouldBe("oncache-lab: agent of n1 ended before it was ready: no BTF in this kernel");
    }

    [Fact]
    public async Task Hits_that_do_not_grow_fail_the_demonstration_after_its_table()
    {
        LiveLab.Require();
        var result = await DemoAsync(
            """case $1 in run) exec sleep 1000;; status) echo '{"ready":true,"totals":{"hits":5,"misses":5}}';; esac""");

        result.ExitCode.ShouldBe(1);
        result.Error.Trim().ShouldBe("oncache-lab: the fast path was not taken: no hits were counted during the measurement");
        result.Output.ShouldContain("hit ratio after warm-up: 0.0000");
        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "result.json"), Cancellation));
        json.RootElement.GetProperty("rows").GetArrayLength().ShouldBe(4 * 3);
        json.RootElement.GetProperty("rows")[2].GetProperty("rate_ratios").GetProperty("host").GetDouble().ShouldBeGreaterThan(0);
        json.RootElement.GetProperty("rounds").GetInt32().ShouldBe(2);
    }

    [Fact]
    public async Task An_interrupted_demonstration_cleans_up()
    {
        LiveLab.Require();
        await using var demo = LabProcess.Start(Program, ["demo", "overlay", "--agent", "none"]);
        await demo.WaitForOutputAsync("measuring", Liveness.Limit, Cancellation);
        OverlayLab.List().Select(LabState.Read).ShouldContain(state => IsOf(state, demo.Id));

        demo.Signal(2);
        var result = await demo.WaitAsync(Cancellation);

        result.ExitCode.ShouldBe(1);
        result.Error.Trim().ShouldBe("oncache-lab: interrupted");
        OverlayLab.List().Select(LabState.Read).ShouldNotContain(state => IsOf(state, demo.Id));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private async Task<CommandResult> DemoAsync(string agent)
    {
        var path = Path.Combine(folder, "agent");
        await File.WriteAllTextAsync(path, $"#!/bin/sh\n{agent}\n", Cancellation);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string[] arguments = ["demo", "overlay", "--agent", path, "--rounds", "2", "--seconds", "3", "--json", Path.Combine(folder, "result.json")];
        await using var demo = LabProcess.Start(Program, arguments);
        var result = await demo.WaitAsync(Cancellation);
        OverlayLab.List().Select(LabState.Read).ShouldNotContain(state => IsOf(state, demo.Id));
        return result;
    }

    private static bool IsOf(LabState? state, int pid) => state?.Owner is { } owner && owner.Pid == pid;
}
