using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities.Attributes;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Api;

/// <summary>One aspect of an object's state, in Kubernetes' shape.</summary>
/// <param name="Type">The aspect: such as Ready.</param>
/// <param name="Status">Whether it holds.</param>
/// <param name="Reason">Why, as one word for programs.</param>
/// <param name="Message">Why, for a person.</param>
/// <param name="ObservedGeneration">The generation of the object it speaks of.</param>
/// <param name="LastTransitionTime">When the status last changed.</param>
public sealed record Condition(
    [property: Length(1, 316)] string Type,
    ConditionStatus Status,
    [property: Length(1, 1024)] string Reason,
    [property: Length(maxLength: 32_768)] string Message,
    long ObservedGeneration,
    DateTimeOffset LastTransitionTime);

/// <summary>Whether a condition holds.</summary>
[JsonConverter(typeof(EnumText<ConditionStatus>))]
public enum ConditionStatus
{
    /// <summary>It holds.</summary>
    True,

    /// <summary>It does not.</summary>
    False,

    /// <summary>It cannot be told.</summary>
    Unknown,
}

/// <summary>The types of conditions in use.</summary>
public static class ConditionType
{
    /// <summary>The policy is valid and decides for some pods of some node.</summary>
    public const string Accepted = nameof(Accepted);

    /// <summary>Of a policy: every node it selects has put it in force. Of a node: the agent has put the configuration in force.</summary>
    public const string Programmed = nameof(Programmed);

    /// <summary>All of the above.</summary>
    public const string Ready = nameof(Ready);

    /// <summary>Present while nodes are still to follow.</summary>
    public const string Reconciling = nameof(Reconciling);

    /// <summary>Of a node: its connection tracking has no room for new connections, or soon will have none.</summary>
    public const string ConntrackPressure = nameof(ConntrackPressure);

    /// <summary>Present while nothing will change without someone's help.</summary>
    public const string Stalled = nameof(Stalled);
}

/// <summary>The reasons of conditions in use.</summary>
public static class ConditionReason
{
    /// <summary>Accepted.</summary>
    public const string Accepted = nameof(Accepted);

    /// <summary>Not accepted: other policies leave nothing to it, or take the room it needs.</summary>
    public const string Conflicted = nameof(Conflicted);

    /// <summary>Not accepted: a field has a value that cannot be used.</summary>
    public const string Invalid = nameof(Invalid);

    /// <summary>Not accepted: no node is selected.</summary>
    public const string TargetNotFound = nameof(TargetNotFound);

    /// <summary>Programmed everywhere.</summary>
    public const string Programmed = nameof(Programmed);

    /// <summary>Programmed on some nodes.</summary>
    public const string PartiallyProgrammed = nameof(PartiallyProgrammed);

    /// <summary>Not programmed yet.</summary>
    public const string Pending = nameof(Pending);

    /// <summary>It cannot be programmed.</summary>
    public const string Failed = nameof(Failed);

    /// <summary>Caches of the sizes asked for do not fit into the memory that the agent may use; others are in force.</summary>
    public const string InsufficientMemory = nameof(InsufficientMemory);

    /// <summary>The kernel drops connections that are new to connection tracking, those of the CNI's path included.</summary>
    public const string ConntrackFull = nameof(ConntrackFull);

    /// <summary>It will soon.</summary>
    public const string ConntrackNearlyFull = nameof(ConntrackNearlyFull);

    /// <summary>It does not.</summary>
    public const string ConntrackHasRoom = nameof(ConntrackHasRoom);
}
