using System.Net;
using System.Net.Sockets;

namespace OnCache.Lab.Chaos;

/// <summary>A message that reached a pod.</summary>
/// <param name="Source">UID of the pod that sent it.</param>
/// <param name="Destination">UID of the pod that got it.</param>
/// <param name="Addressed">The address it was sent to.</param>
/// <param name="Actual">The address of the pod that got it.</param>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Opened">When its flow was, from the start of the run.</param>
/// <param name="Sent">Just before it was.</param>
/// <param name="Received">Just after it was.</param>
internal readonly record struct Delivery(
    string Source,
    string Destination,
    IPAddress Addressed,
    IPAddress Actual,
    ProtocolType Protocol,
    TimeSpan Opened,
    TimeSpan Sent,
    TimeSpan Received);
