using System.Diagnostics;
using OnCache.EndToEnd.Fixture;

namespace OnCache.EndToEnd.Differences;

/// <summary>The plain overlay is the oracle: what happens on a node and to it has the same effect with agents as without, within a bound.</summary>
public sealed class DifferenceTests
{
    // Several times as long as agents settle before they learn.
    private static readonly TimeSpan s_learned = TimeSpan.FromSeconds(0.5);

    // What was learned wrongly stays so for a lease.
    private static readonly TimeSpan s_still = TimeSpan.FromSeconds(2);

    public static TheoryData<string> Rows => [.. DifferenceRows.All.Select(static row => row.Name)];

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Traffic_is_as_on_the_plain_overlay(string row)
    {
        LiveLab.Require();
        await CompareAsync(DifferenceRows.Named(row), LabAgent.Program);
    }

    [Fact]
    public async Task An_agent_that_no_route_is_announced_to_differs_where_a_better_route_comes()
    {
        LiveLab.Require();

        var found = await Should.ThrowAsync<DifferenceException>(() => CompareAsync(DifferenceRows.Named(DifferenceRows.BetterRoute), LabAgent.DeafProgram));

        found.Message.ShouldStartWith("after 'n1: ip route add");
    }

    [Theory]
    [InlineData(DifferenceRows.VethDownAndUp)]
    [InlineData(DifferenceRows.RoutedByMark)]
    public async Task An_agent_that_no_route_is_announced_to_does_not_differ_where_none_changes(string row)
    {
        LiveLab.Require();
        await CompareAsync(DifferenceRows.Named(row), LabAgent.DeafProgram);
    }

    /// <summary>Runs a row in both labs side by side.</summary>
    /// <exception cref="DifferenceException">They differ.</exception>
    private static async Task CompareAsync(Difference row, string agent)
    {
        var starting = new[] { Trial.StartAsync(row, agent: null), Trial.StartAsync(row, agent) };
        try
        {
            var both = await Task.WhenAll(starting);
            await CompareAsync(row, both[0], both[1]);
        }
        finally
        {
            await Task.WhenAll(starting.Where(static trial => trial.IsCompletedSuccessfully).Select(static trial => trial.Result.DisposeAsync().AsTask()));
        }
    }

    private static async Task CompareAsync(Difference row, Trial plain, Trial accelerated)
    {
        if (row.Accelerated)
        {
            await accelerated.AccelerateAsync();
        }

        Phase[] phases = [new Phase([], row.Shows), .. row.Phases];
        foreach (var phase in phases)
        {
            await Task.WhenAll(plain.PerformAsync(phase), accelerated.PerformAsync(phase));
            var performed = Stopwatch.GetTimestamp();
            var (expected, steps) = (await plain.SettledAsync(phase.Shows), string.Join("; ", phase.Steps));
            TestContext.Current.TestOutputHelper?.WriteLine($"after '{steps}':{expected}");
            await LooksLikeAsync(accelerated, expected, performed, phase.Bound, steps);
            if (phase.AcceleratedAgain)
            {
                await accelerated.AccelerateAsync();
            }
            else
            {
                await Task.Delay(s_learned, TestContext.Current.CancellationToken);
            }

            // What was like it may have been the slow path; now what could be learned again is.
            await LooksLikeAsync(accelerated, expected, Stopwatch.GetTimestamp(), s_still, $"{steps}; and learning");
        }
    }

    /// <param name="since">When the bound began, as a Stopwatch timestamp.</param>
    private static async Task LooksLikeAsync(Trial trial, Picture expected, long since, TimeSpan bound, string after)
    {
        // One look the machine may spoil.
        const int LateLooks = 2;
        Picture seen;
        var late = 0;
        do
        {
            late += Stopwatch.GetElapsedTime(since) >= bound ? 1 : 0;
            seen = await trial.LookAsync();
            if (seen.IsLike(expected))
            {
                return;
            }
        }
        while (late < LateLooks);
        throw new DifferenceException($"after '{after}' the plain overlay shows:{expected}\nwith agents, {bound.TotalSeconds} s later:{seen}");
    }
}

/// <summary>Traffic with agents is not as on the plain overlay.</summary>
internal sealed class DifferenceException(string message) : Exception(message);
