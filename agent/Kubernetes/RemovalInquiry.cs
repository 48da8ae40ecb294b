using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Resilience;

namespace OnCache.Agent.Kubernetes;

/// <summary>Asks for an agent's DaemonSet until the API server has answered, which may be starting again just then, or until its patience ends.</summary>
/// <param name="present">What is known without asking.</param>
/// <param name="ask">One try; no failure is its caller's.</param>
/// <param name="time">Waits and limits.</param>
internal sealed class RemovalInquiry(Func<AgentFooting> present, Func<V1OwnerReference, CancellationToken, Task<OwnerAnswer>> ask, TimeProvider time)
{
    // By a new connection each: a dead one gives no answer at all.
    private static readonly TimeSpan s_try = TimeSpan.FromSeconds(3);

    // A server that starts may refuse whom it will know in a moment.
    private static readonly TimeSpan s_refused = TimeSpan.FromSeconds(5);
    private static readonly Backoff s_again = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(2));

    /// <summary>Why no agent will follow this one; null on any doubt, and when one may.</summary>
    public async Task<string?> ReasonAsync()
    {
        var started = time.GetTimestamp();
        for (var failures = 1; ; failures++)
        {
            var footing = present();
            // What ends with its namespace needs no answer.
            if (AgentRemoval.OwnerOf(footing.Pod) is not { } owner || AgentRemoval.ReasonOf(footing with { HasAccount = true, Owner = default }) is not null)
            {
                return AgentRemoval.ReasonOf(footing);
            }

            using var end = new CancellationTokenSource(s_try, time);
            var answer = await ask(owner, end.Token);
            footing = present() with { Owner = answer };
            var patience = AgentRemoval.PatienceOf(footing.Pod);
            var left = (answer.IsRefused && patience > s_refused ? s_refused : patience) - time.GetElapsedTime(started);
            // Whoever may not ask, and has no account any more, will not be answered later either.
            if (answer.IsKnown || (answer.IsRefused && !footing.HasAccount) || left <= TimeSpan.Zero)
            {
                return AgentRemoval.ReasonOf(footing);
            }

            var wait = s_again.Delay(failures, Random.Shared.NextDouble());
            await Task.Delay(wait < left ? wait : left, time);
        }
    }
}
