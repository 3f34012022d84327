import { transportConformance } from './conformance/conformance.js';
import { kafkaSetup } from './conformance/kafka-setup.js';

transportConformance('platformatic', () => kafkaSetup('platformatic'));
