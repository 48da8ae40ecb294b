using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Controllers;

/// <summary>How a reconciliation went.</summary>
public sealed record ReconciliationResult<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private ReconciliationResult(TEntity entity, bool isSuccess, string? errorMessage, Exception? error, TimeSpan? requeueAfter)
    {
        Entity = entity;
        IsSuccess = isSuccess;
        ErrorMessage = errorMessage;
        Error = error;
        RequeueAfter = requeueAfter;
    }

    /// <summary>The object.</summary>
    public TEntity Entity { get; }

    /// <summary>Whether it went well.</summary>
    public bool IsSuccess { get; }

    /// <summary>Whether it failed.</summary>
    public bool IsFailure => !IsSuccess;

    /// <summary>What failed.</summary>
    public string? ErrorMessage { get; }

    /// <summary>The exception behind a failure, if there is one.</summary>
    public Exception? Error { get; }

    /// <summary>When to come back; <see langword="null"/> after a success: with the next change; after a failure: by backoff.</summary>
    public TimeSpan? RequeueAfter { get; }

    /// <summary>It went well.</summary>
    public static ReconciliationResult<TEntity> Success(TEntity entity, TimeSpan? requeueAfter = null) =>
        new(entity, isSuccess: true, errorMessage: null, error: null, requeueAfter);

    /// <summary>It failed.</summary>
    public static ReconciliationResult<TEntity> Failure(
        TEntity entity,
        string errorMessage,
        Exception? error = null,
        TimeSpan? requeueAfter = null) =>
        new(entity, isSuccess: false, errorMessage, error, requeueAfter);
}
