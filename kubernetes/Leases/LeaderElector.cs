using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Leases;

/// <summary>
/// Runs work on one of several candidates at a time, by a Lease. Every write is guarded by the resource version, so of two candidates one
/// loses; and no decision uses another machine's clock: a leader counts from before it sent a renewal, a candidate from after it saw one.
/// </summary>
public sealed class LeaderElector
{
    private readonly IKubernetesClient _client;
    private readonly LeaderElectionSettings _settings;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly NamespacedName _name;

    private V1Lease? _observed;
    private long _observedAt;
    private volatile string? _leader;
    private volatile CancellationTokenSource? _leadership;

    /// <summary>A candidate; it does not compete yet.</summary>
    /// <exception cref="ArgumentException">The times do not fit together.</exception>
    public LeaderElector(IKubernetesClient client, LeaderElectionSettings settings, ILogger logger, TimeProvider? time = null)
    {
        if (settings.Problem is { } problem)
        {
            throw new ArgumentException(problem, nameof(settings));
        }

        _client = client;
        _settings = settings;
        _logger = logger;
        _time = time ?? TimeProvider.System;
        _name = new NamespacedName(settings.Namespace, settings.Name);
    }

    /// <summary>Who holds the lease, as last seen; <see langword="null"/> before the first look and when nobody does.</summary>
    public string? Leader => _leader;

    /// <summary>Whether this candidate leads and was not told to stop.</summary>
    public bool IsLeader => _leadership is { IsCancellationRequested: false };

    /// <summary>
    /// Competes, leads and competes again until cancelled, and then hands the lease over. A failure of the work ends it.
    /// </summary>
    /// <param name="lead">
    /// The work of a leader. Its token is cancelled when leadership ends; it must stop within the difference of
    /// <see cref="LeaderElectionSettings.LeaseDuration"/> and <see cref="LeaderElectionSettings.RenewDeadline"/>: then another may
    /// begin.
    /// </param>
    /// <param name="cancellationToken">Stops competing.</param>
    public async Task RunAsync(Func<CancellationToken, Task> lead, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var sent = _time.GetTimestamp();
            if (await TryAsync(mayTake: true, cancellationToken) == Attempt.Held)
            {
                LeaderElectorLog.Elected(_logger, _settings.Identity, _name);
                await LeadAsync(lead, sent, cancellationToken);
            }

            await PauseAsync(UntilNextLook(), cancellationToken);
        }
    }

    private async Task LeadAsync(Func<CancellationToken, Task> lead, long acquired, CancellationToken cancellationToken)
    {
        using var leadership = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // A timer of its own: a renewal that hangs must not keep the leader from stopping.
        await using var deadline = new LeadershipDeadline(_time, _settings.RenewDeadline, acquired, leadership.Cancel);
        _leadership = leadership;
        var renewals = RenewAsync(deadline, leadership);
        try
        {
            await lead(leadership.Token);
        }
        catch (OperationCanceledException) when (leadership.IsCancellationRequested)
        {
            // It stopped as asked.
        }
        finally
        {
            await leadership.CancelAsync();
            await renewals;
            await ReleaseAsync();
        }
    }

    private async Task RenewAsync(LeadershipDeadline deadline, CancellationTokenSource leadership)
    {
        while (true)
        {
            await PauseAsync(_settings.RetryPeriod, leadership.Token);
            if (leadership.IsCancellationRequested)
            {
                return;
            }

            var sent = _time.GetTimestamp();
            var attempt = await TryAsync(mayTake: false, leadership.Token);
            if (attempt == Attempt.Held)
            {
                deadline.Renewed(sent);
            }
            else if (attempt == Attempt.HeldByAnother)
            {
                LeaderElectorLog.Lost(_logger, _settings.Identity, _name, _leader);
                await leadership.CancelAsync();
            }
        }
    }

    /// <summary>Renews the lease, or takes it if it is free and <paramref name="mayTake"/>.</summary>
    private async Task<Attempt> TryAsync(bool mayTake, CancellationToken cancellationToken)
    {
        try
        {
            if (await _client.GetAsync<V1Lease>(_name, cancellationToken) is not { } lease)
            {
                Observe(await _client.CreateAsync(
                    new V1Lease
                    {
                        Metadata = new V1ObjectMeta { Name = _name.Name, NamespaceProperty = _name.Namespace },
                        Spec = LeaseDecision.Taken(new V1LeaseSpec(), _settings.Identity, _settings.LeaseDuration, _time.GetUtcNow()),
                    },
                    cancellationToken));
                return Attempt.Held;
            }

            Observe(lease);
            var allowed = mayTake
                ? LeaseDecision.MayTake(lease.Spec, _settings.Identity, _time.GetElapsedTime(_observedAt))
                : lease.Spec.HolderIdentity == _settings.Identity;
            if (!allowed)
            {
                return Attempt.HeldByAnother;
            }

            var taken = LeaseDecision.Taken(lease.Spec, _settings.Identity, _settings.LeaseDuration, _time.GetUtcNow());
            Observe(await _client.UpdateAsync(lease with { Spec = taken }, cancellationToken));
            return Attempt.Held;
        }
        catch (KubernetesException exception)
        {
            // A conflict means that another was quicker, which the next look shows; all else passes, or ends in the deadline.
            LeaderElectorLog.Refused(_logger, _settings.Identity, _name, exception.Message);
            return Attempt.Failed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Attempt.Failed;
        }
    }

    private async Task ReleaseAsync()
    {
        // Not cancelled with the rest, but bounded: a lease that is not handed over runs out by itself.
        using var limit = new CancellationTokenSource(_settings.RenewDeadline, _time);
        try
        {
            while (!await TryReleaseAsync(limit.Token))
            {
                // A renewal whose answer was not waited for came in between.
            }
        }
        catch (Exception exception) when (exception is KubernetesException or OperationCanceledException)
        {
            LeaderElectorLog.NotReleased(_logger, _settings.Identity, _name, exception.Message);
        }
    }

    private async Task<bool> TryReleaseAsync(CancellationToken cancellationToken)
    {
        // Asked and not remembered: the last renewal may have been written without our seeing the answer.
        if (await _client.GetAsync<V1Lease>(_name, cancellationToken) is not { } lease)
        {
            return true;
        }

        Observe(lease);
        if (lease.Spec.HolderIdentity != _settings.Identity)
        {
            return true;
        }

        try
        {
            Observe(await _client.UpdateAsync(lease with { Spec = LeaseDecision.Released(lease.Spec, _time.GetUtcNow()) }, cancellationToken));
            return true;
        }
        catch (KubernetesException exception) when (exception.Reason == StatusReason.Conflict)
        {
            return false;
        }
    }

    private void Observe(V1Lease lease)
    {
        if (_observed?.Metadata.ResourceVersion != lease.Metadata.ResourceVersion || _observed?.Metadata.Uid != lease.Metadata.Uid)
        {
            _observed = lease;
            _observedAt = _time.GetTimestamp();
        }

        _leader = string.IsNullOrEmpty(lease.Spec.HolderIdentity) ? null : lease.Spec.HolderIdentity;
    }

    // A lease that runs out is taken at once, not at the next turn.
    private TimeSpan UntilNextLook()
    {
        if (_observed is null || _leader is null || _leader == _settings.Identity)
        {
            return _settings.RetryPeriod;
        }

        var left = TimeSpan.FromSeconds(_observed.Spec.LeaseDurationSeconds ?? 0) - _time.GetElapsedTime(_observedAt);
        return left <= TimeSpan.Zero || left > _settings.RetryPeriod ? _settings.RetryPeriod : left;
    }

    private async Task PauseAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(wait, _time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The loops see it.
        }
    }

    private enum Attempt
    {
        Held,
        HeldByAnother,
        Failed,
    }
}
